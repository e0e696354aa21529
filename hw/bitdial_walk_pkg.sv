// What goes along with an issue of the walker, from its counters to the inputs of the arrays.
// verilator lint_off UNUSEDPARAM
package bitdial_walk_pkg;
  localparam int COORDINATE_W = 12;     // row or column of the input map with its padding, signed where it counts from the map
  localparam int GATHER_W = 6;          // issues of a word: words of a gather, pixels of a block
  localparam int START_TO_WORDS = 10;   // clocks from start_i until the first word is at the arrays

  typedef struct packed {
    logic       sum;          // a clock in which an array computes; what follows is valid then
    logic [3:0] pixel;        // in its block
    logic       first;        // XNOR: sums start from 0; MAC: the word is its pixel's first one
    logic [1:0] shift;        // XNOR: sums move left by that first
    logic       last;         // XNOR: the sum is final; MAC: the word is its pixel's last one
    logic       plane0;       // weight plane 0
    logic       swap;         // the next weight word becomes current (leaves the pipeline a clock earlier)
    logic [3:0] segment;      // MAC: of the word
    logic       plane_first;  // MAC: first segment of a plane
    logic       word_first;   // MAC: first clock of a word
    logic       word_last;    // MAC: last clock of a word
    logic       block_last;   // last clock of a block
    logic       block_small;  // the block is one of those with a pixel less
    logic       tile_last;    // the block is the tile's last
  } sum_tag_t;

  typedef struct packed {
    logic       last;   // last clock of a word's gather
    logic [1:0] pair;   // planes 2 pair, 2 pair + 1
    logic [2:0] group;  // depthwise: which rows
    logic       high;   // depthwise: the rows' channels are in the high byte
  } gather_tag_t;

  // Where the window of one issue lies, without addresses.
  typedef struct packed {
    logic [COORDINATE_W-1:0] y;  // row of its corner, from the first window's
    logic [COORDINATE_W-1:0] x;
    logic [1:0] ym;              // row of its corner in the map, modulo 3
    logic [1:0] xm;
    logic [1:0] sy;              // sub-window
    logic [1:0] sx;
    logic       tail;            // last group of channels
  } place_t;
endpackage
// verilator lint_on UNUSEDPARAM
