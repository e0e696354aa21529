// Types shared by several blocks. Descriptors and limits are in bitdial_descriptor_pkg.sv.
package bitdial_pkg;
  localparam int COUNT_W = 48;  // performance counters
  localparam int IN_FLIGHT = 3; // frames that wait, run, or have a result that software has not acknowledged
  localparam int BEAT_W  = 29;  // beats of one DMA job: the largest is an image (loader.sv)

  // A queued doorbell: everything that its frame uses, as it was when the doorbell rang.
  typedef struct packed {
    logic [63:0] program_addr;
    logic [31:0] desc_offset;
    logic [31:0] switch_stride;
    logic [8:0]  layer_count;   // 0: no list ends by it
    logic [7:0]  generation;    // differs where another program may lie behind the addresses
    logic [3:0]  switch_index;
    logic [63:0] input_addr;
    logic [63:0] output_addr;
    logic [63:0] store_addr;
    logic [31:0] tag;
    logic        store_enable;
  } frame_t;
endpackage
