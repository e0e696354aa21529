// Types shared by several blocks. Descriptors and limits are in bitdial_descriptor_pkg.sv.
package bitdial_pkg;
  localparam int COUNT_W = 48;  // performance counters
  localparam int BEAT_W  = 29;  // beats of one DMA job: the largest is an image (loader.sv)

  // A queued doorbell.
  typedef struct packed {
    logic [3:0]  switch_index;
    logic [63:0] input_addr;
    logic [63:0] output_addr;
    logic [31:0] tag;
    logic        store_enable;
  } frame_t;
endpackage
