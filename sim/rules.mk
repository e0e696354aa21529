# The virtual platform. The transaction-level one is built here; those with RTL, one a geometry, by sim/build.sh.
SIM_CXXFLAGS := -std=gnu++17 -O2 -g -Wall -Wextra -Werror -I.
SIM_B := build
SIM_SHARED := $(SIM_B)/sim/platform.o $(SIM_B)/sim/tlm_core.o

platform: $(SIM_B)/platform-tlm ## the SystemC platform with the transaction-level target
$(SIM_B)/platform-tlm: $(SIM_SHARED) $(SIM_B)/sim/no_rtl_core.o $(SIM_B)/libbitdial.a
	@echo "link $@" && g++ -fopenmp -o $@ $^ -lsystemc -lyaml -lz -lm
$(SIM_B)/sim/%.o: sim/%.cpp sim/rules.mk | $(DEPS)
	@mkdir -p $(@D) && echo "c++ $<"
	@g++ $(SIM_CXXFLAGS) -MMD -MP -c -o $@ $<
-include $(wildcard $(SIM_B)/sim/*.d)
.PHONY: platform
