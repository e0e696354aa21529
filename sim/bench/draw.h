// Random numbers of the benches of buses: xorshift, the same ones for the same seed everywhere.
#ifndef BD_BENCH_DRAW_H
#define BD_BENCH_DRAW_H

#include <cstdint>

inline uint64_t draw_state;

inline void seed_draws(uint64_t seed)
{
    draw_state = seed * 0x9e3779b97f4a7c15u + 1;
}

// 0 .. below - 1.
inline uint64_t draw(uint64_t below)
{
    draw_state ^= draw_state << 13;
    draw_state ^= draw_state >> 7;
    draw_state ^= draw_state << 17;
    return (draw_state >> 20) % below;
}

#endif
