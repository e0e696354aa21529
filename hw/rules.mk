fpga-report: all ## routes blocks for ECP5 and holds each to its clock; BLOCKS='NAME...' chooses; takes a router from PyPI
	@sh hw/synth/fpga_report.sh $(BLOCKS)
fit-area: $(DEPS) ## maps a grid of blocks for ECP5 and fits hw/synth/area.json and model/cost/area_table.h, the area by their parameters
	@PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 hw/synth/fit_area.py --header model/cost/area_table.h
netlist: all $(B)/sample ## the mapped netlist of hardware/small.yaml runs a small network, against RTL, reference and clocks; broken LUTs must be found
	@sh hw/synth/netlist.sh
.PHONY: fpga-report fit-area netlist
fpga: all ## a bitstream for BOARD=ulx3s, refused where timing is not met (hw/fpga/README.md); takes tools from PyPI
	@sh hw/fpga/build.sh "$(BOARD)" $(if $(JOBS),--jobs "$(JOBS)")
fpga-load: ## loads it by openFPGALoader (FLASH=1: into the board's flash)
	@FLASH="$(FLASH)" sh hw/fpga/load.sh "$(BOARD)"
.PHONY: fpga fpga-load
