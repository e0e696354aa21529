/* From reset to main: a stack, no data that needs a first value, zeros. */
    .section .start, "ax"
    .globl _start
_start:
    la sp, stack_top
    la t0, bss_start
    la t1, bss_end
1:  bgeu t0, t1, 2f
    sw zero, 0(t0)
    addi t0, t0, 4
    j 1b
2:  call main
    ebreak          /* a0: 0 where all went well */
