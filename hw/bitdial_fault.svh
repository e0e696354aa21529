// Faults that tests plant, named by number. BD_FAULT(N): fault N is on. A build with BITDIAL_FAULTS defined chooses one when
// the simulation starts, by +bitdial_fault=N (0, or none given: no fault); every other build has none.
//     1  codes round up                          3  the first interrupt is lost
//     2  PRECISION ignores writes                4  every layer uses the requantizer tables of switch 0
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
