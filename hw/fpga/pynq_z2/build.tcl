# Vivado: a PYNQ-Z2 with the accelerator beside the processor. Not run here: no Vivado and no board were at hand.
#
#     vivado -mode batch -source hw/fpga/pynq_z2/build.tcl -tclargs HARDWARE.yaml MHZ
#
# in the root of the tree, after `make all`. The board files of the PYNQ-Z2 (TUL) must be where Vivado looks for them: they
# hold the timing of its DDR memory. Leaves build/fpga/pynq_z2/bitdial.bit (for the kernel's FPGA manager: bitdial.bin) and the
# reports of timing and area; ends with 1 where timing is not met.
if {[llength $argv] != 2} {
  puts stderr "usage: -tclargs HARDWARE.yaml MHZ"
  exit 2
}
lassign $argv hardware mhz
set out build/fpga/pynq_z2
file mkdir $out
set parameters [exec build/bitdial hardware $hardware --parameters]
set sources [exec /usr/bin/python3 hw/fpga/build.py ulx3s --sources]

create_project -force bitdial $out/project -part xc7z020clg400-1
set_property board_part tul.com.tw:pynq-z2:part0:1.0 [current_project]
# What all boards share, without the top of the other board and the bridge of a serial line.
foreach path [split $sources "\n"] {
  if {![string match hw/fpga/* $path] && ![string match hw/board/* $path]} { add_files -norecurse $path }
}
add_files -norecurse hw/fpga/pynq_z2/bitdial_wrapper.v
set_property include_dirs [file normalize hw] [current_fileset]

create_bd_design system
set ps [create_bd_cell -type ip -vlnv xilinx.com:ip:processing_system7 ps7]
apply_bd_automation -rule xilinx.com:bd_rule:processing_system7 -config {make_external "FIXED_IO, DDR" apply_board_preset 1} $ps
set_property -dict [list CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ $mhz CONFIG.PCW_USE_M_AXI_GP0 1 CONFIG.PCW_USE_S_AXI_HP0 1 \
  CONFIG.PCW_S_AXI_HP0_DATA_WIDTH 64 CONFIG.PCW_USE_FABRIC_INTERRUPT 1 CONFIG.PCW_IRQ_F2P_INTR 1] $ps
set accelerator [create_bd_cell -type module -reference bitdial_wrapper accelerator]
set values [list CONFIG.CLOCK_KHZ [expr {int($mhz * 1000)}]]
foreach option [split $parameters "\n"] {
  if {[regexp {^-G(\w+)=(.*)$} $option all name value]} {
    regsub {^64'h} $value {0x} value
    lappend values CONFIG.$name $value
  }
}
set_property -dict $values $accelerator
# Registers at 0x43C00000 of the processor; the processor's DDR memory from the accelerator's master.
apply_bd_automation -rule xilinx.com:bd_rule:axi4 -config {Master "/ps7/M_AXI_GP0" Clk "/ps7/FCLK_CLK0"} \
  [get_bd_intf_pins accelerator/s_axi]
apply_bd_automation -rule xilinx.com:bd_rule:axi4 -config {Slave "/ps7/S_AXI_HP0" Clk "/ps7/FCLK_CLK0"} \
  [get_bd_intf_pins accelerator/m_axi]
connect_bd_net [get_bd_pins accelerator/irq] [get_bd_pins ps7/IRQ_F2P]
make_bd_pins_external -name led [get_bd_pins accelerator/led]
set registers [get_bd_addr_segs -of_objects [get_bd_addr_spaces ps7/Data] -filter {NAME =~ *accelerator*}]
set_property -dict {offset 0x43C00000 range 4K} $registers
validate_bd_design
save_bd_design
make_wrapper -files [get_files system.bd] -top -import
set_property top system_wrapper [current_fileset]
add_files -fileset constrs_1 -norecurse hw/fpga/pynq_z2/pins.xdc

launch_runs impl_1 -to_step write_bitstream -jobs 2
wait_on_run impl_1
if {[get_property PROGRESS [get_runs impl_1]] ne "100%"} {
  puts stderr "the run did not end: $out/project/bitdial.runs"
  exit 3
}
open_run impl_1
report_timing_summary -file $out/timing.txt
report_utilization -hierarchical -file $out/area.txt
if {[get_property SLACK [get_timing_paths]] < 0} {
  puts stderr "timing is not met at $mhz MHz: $out/timing.txt; no bitstream is left in $out"
  exit 1
}
file copy -force [glob $out/project/bitdial.runs/impl_1/*.bit] $out/bitdial.bit
set bif [open $out/bitdial.bif w]
puts $bif "all: { $out/bitdial.bit }"
close $bif
exec bootgen -image $out/bitdial.bif -arch zynq -process_bitstream bin -w on >@ stdout
file rename -force $out/bitdial.bit.bin $out/bitdial.bin
