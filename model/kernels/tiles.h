/* Tiles: so many neighbouring pixels, whose sums stay in registers. A row is cut into the widest that fit, and a kernel
 * has code of its own for each width, so that its loops unroll. */
#ifndef BD_KERNELS_TILES_H
#define BD_KERNELS_TILES_H

/* F(width) for each, widest first: rows of 28, 14, 7, 4 and so on are whole tiles; 28 sums of two blocks of channels
 * and what they are made of fill the 32 registers. */
#define BD_TILE_WIDTHS(F) F(14) F(8) F(7) F(4) F(2) F(1)
#define BD_TILE_MOST 14

static const int bd_tile_widths[] = {14, 8, 7, 4, 2, 1};

/* The index of the widest tile in `left` pixels, at least one. */
static inline int bd_tile_fitting(int left)
{
    int k = 0;
    while (bd_tile_widths[k] > left) {
        k++;
    }
    return k;
}

#endif
