// Random layers for the benches of the front: every layout, array, stride and padding that the machine has.
#ifndef BITDIAL_FRONT_LAYERS_H
#define BITDIAL_FRONT_LAYERS_H
#include <random>
#include <string>

#include "front_model.h"

extern std::mt19937 generator;

int any(int low, int high); // low..high
bool chance(int percent);

// False where what was drawn does not fit; then draw again.
bool random_layer(Layer &l);

std::string describe(const Layer &l);

#endif
