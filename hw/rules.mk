fpga-report: all ## routes blocks for ECP5 and holds each to its clock; BLOCKS='NAME...' chooses; takes a router from PyPI
	@sh hw/synth/fpga_report.sh $(BLOCKS)
.PHONY: fpga-report
