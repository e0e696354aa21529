# The virtual platform: one with the transaction-level target alone, and one for each Verilated build (sim/build.sh
# names it by VERILATED=build/verilated/...). Always built without sanitizers: it is a process of its own.
SIM_CXXFLAGS := -std=gnu++17 -O2 -g -fno-var-tracking-assignments -Wall -Wextra -Werror -I.
SIM_SHARED := build/sim/platform/platform.o build/sim/platform/tlm_core.o
SIM_LIBS := -lsystemc -lyaml -lz -lm -lpthread

platform: all ## the SystemC platform: the transaction-level target, and the RTL of the demo
	@sh sim/build.sh --target tlm yaml-configs/hardware/demo.yaml >/dev/null
	@sh sim/build.sh yaml-configs/hardware/demo.yaml >/dev/null
test: platform
cosim-geometries: all ## the shipped network and random ones on the RTL of six more hardware configurations
	@sh sim/geometries.sh
geometries: all ## random networks on the RTL of fourteen geometries, with and without stalls of the bus
	@sh sim/bench/geometries.sh
build/platform-tlm: $(SIM_SHARED) build/sim/platform/no_rtl_core.o build/libbitdial.a
	@echo "link $@" && g++ -fopenmp -o $@ $^ $(SIM_LIBS)
build/sim/%.o: sim/%.cpp sim/rules.mk | $(DEPS)
	@mkdir -p $(@D) && echo "c++ $<"
	@g++ $(SIM_CXXFLAGS) -MMD -MP -c -o $@ $<

ifneq ($(VERILATED),)
VERILATOR_INCLUDE = $(shell sh hw/tools.sh --root)/include
# Models whose ports are the same, which Verilator's header shows, share the object that drives them.
RTL_CORE := build/sim/platform/rtl_core-$(firstword $(shell cksum <$(VERILATED)/Vbitdial_top.h))$(findstring -debug,$(notdir $(VERILATED))).o
$(RTL_CORE): sim/platform/rtl_core.cpp sim/rules.mk
	@mkdir -p $(@D) && echo "c++ $< for $(notdir $(VERILATED))"
	@g++ $(SIM_CXXFLAGS) -O3 $(if $(findstring -debug,$(notdir $(VERILATED))),-DVM_TRACE=1 -DVM_TRACE_FST=1,-DVM_TRACE=0 -DVM_TRACE_FST=0) \
	    -isystem $(VERILATED) -isystem $(VERILATOR_INCLUDE) -isystem $(VERILATOR_INCLUDE)/vltstd \
	    -MMD -MP -c -o $@ $<
build/platform-$(notdir $(VERILATED)): $(SIM_SHARED) $(RTL_CORE) $(VERILATED)/libVbitdial_top.a build/libbitdial.a
	@echo "link $@" && g++ -fopenmp -o $@ $^ $(SIM_LIBS)
endif
-include $(wildcard build/sim/*/*.d)
.PHONY: platform cosim-geometries geometries
