// Types shared by several blocks. Descriptors and limits are in bitdial_descriptor_pkg.sv.
package bitdial_pkg;
  localparam int COUNT_W = 48;  // performance counters
  localparam int IN_FLIGHT = 3; // frames that wait, run, or have a result that software has not acknowledged
  localparam int BEAT_W  = 29;  // beats of one DMA job: the largest is an image (loader.sv)
  // As in bitdial_descriptor_pkg, of which Yosys knows nothing here; program_loader.sv holds them against each other.
  localparam int WORD_ADDRESS_W = 20;

  // What a program brings to the chip, in the order of its load descriptor.
  typedef enum logic [1:0] {PART_DESCRIPTORS, PART_TABLES, PART_CORRECTIONS, PART_WEIGHTS} part_e;

  // Where the parts of a streamed row group go: two slots in each memory, the second as far behind the first as a slot
  // is long (of tables: ROWS entries).
  typedef struct packed {
    logic [WORD_ADDRESS_W-1:0] weight_base;
    logic [WORD_ADDRESS_W-1:0] weight_words;
    logic [WORD_ADDRESS_W-1:0] correct_base;
    logic [WORD_ADDRESS_W-1:0] correct_words;
    logic [WORD_ADDRESS_W-1:0] table_base;
  } slots_t;

  // Where a row group's parts lie on the chip.
  typedef struct packed {
    logic [WORD_ADDRESS_W-1:0] weight;
    logic [WORD_ADDRESS_W-1:0] correct;
    logic [WORD_ADDRESS_W-1:0] table_entry;
  } tile_place_t;

  // A queued doorbell: everything that its frame uses, as it was when the doorbell rang.
  typedef struct packed {
    logic [63:0] program_addr;
    logic [31:0] desc_offset;
    logic [31:0] switch_stride;
    logic [8:0]  layer_count;   // 0: no list ends by it
    logic        reload;        // another program may lie behind the addresses than for the doorbell before
    logic [3:0]  switch_index;
    logic [63:0] input_addr;
    logic [63:0] output_addr;
    logic [63:0] store_addr;
    logic [31:0] tag;
    logic        store_enable;
    logic [31:0] frame_limit;   // clocks of the frame; 0: no limit
  } frame_t;
endpackage
