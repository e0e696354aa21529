// Faults that tests plant, named by number. BD_FAULT(N): fault N is on. A build with BITDIAL_FAULTS defined chooses one when
// the simulation starts, by +bitdial_fault=N (0, or none given: no fault); every other build has none.
//     1  requantizer: codes round up             9  requantizer: the stream is added without its last bit
//     2  csr: PRECISION ignores writes          10  packer: every eighth channel lacks its odd planes
//     3  results: the first interrupt is lost   11  read DMA: bursts cross 4 KiB
//     4  loader: tables are those of switch 0   12  write DMA: the last beat of a burst writes nothing
//     5  sequencer: does not wait for the image 13  counters: clocks of output stalls are not counted
//     6  feeder: row groups share one table     14  loader: after the third layer a descriptor is left out
//     7  XNOR array: a count is one too large   15  pooling: the smallest value is taken for the largest
//     8  MAC array: -code lacks its ones        16  residual memory: 16 bits are read without their sign
// tests/faults/faults.yaml tells of each how it must be found.
`ifndef BITDIAL_FAULT_SVH
`define BITDIAL_FAULT_SVH
`ifdef BITDIAL_FAULTS
package bitdial_fault_pkg;
  int number;
endpackage
`define BD_FAULT_NUMBER bitdial_fault_pkg::number
`else
`define BD_FAULT_NUMBER 0
`endif
`define BD_FAULT(N) (`BD_FAULT_NUMBER == N)
`endif
