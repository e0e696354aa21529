# The library that ships: sw/include/bitdial.h over everything else, which stays hidden. In the static library all of it
# is one object whose other symbols are local, so that a user's own names cannot meet ours.
PREFIX ?= /usr/local
DESTDIR ?=
VERSION := $(shell sed -n 's/.*BD_VERSION "\(.*\)"/\1/p' model/core/version.h)
SONAME := libbitdial.so.$(firstword $(subst ., ,$(VERSION)))
API_OBJ = $(call objects,$(API_SRC) $(LIB_SRC))

libraries: $(B)/lib/libbitdial.a $(B)/lib/$(SONAME).full $(B)/lib/bitdial.pc $(B)/bitdial
install: libraries ## headers, shared and static library, pkg-config file, command and examples to PREFIX (default /usr/local)
	install -d "$(DESTDIR)$(PREFIX)/include" "$(DESTDIR)$(PREFIX)/lib/pkgconfig" "$(DESTDIR)$(PREFIX)/bin" \
	    "$(DESTDIR)$(PREFIX)/share/bitdial/examples" "$(DESTDIR)$(PREFIX)/share/bitdial/hardware" \
	    "$(DESTDIR)$(PREFIX)/share/bitdial/networks"
	install -m 644 sw/include/bitdial.h "$(DESTDIR)$(PREFIX)/include"
	install -m 644 $(B)/lib/libbitdial.a "$(DESTDIR)$(PREFIX)/lib"
	install -m 755 $(B)/lib/$(SONAME).full "$(DESTDIR)$(PREFIX)/lib/libbitdial.so.$(VERSION)"
	ln -sf libbitdial.so.$(VERSION) "$(DESTDIR)$(PREFIX)/lib/$(SONAME)"
	ln -sf $(SONAME) "$(DESTDIR)$(PREFIX)/lib/libbitdial.so"
	install -m 644 $(B)/lib/bitdial.pc "$(DESTDIR)$(PREFIX)/lib/pkgconfig"
	install -m 755 $(B)/bitdial "$(DESTDIR)$(PREFIX)/bin"
	install -m 644 sw/examples/*.c "$(DESTDIR)$(PREFIX)/share/bitdial/examples"
	install -m 644 yaml-configs/hardware/*.yaml "$(DESTDIR)$(PREFIX)/share/bitdial/hardware"
	install -m 644 yaml-configs/networks/*.yaml "$(DESTDIR)$(PREFIX)/share/bitdial/networks"

$(B)/lib/libbitdial.a: $(API_OBJ) sw/rules.mk
	@mkdir -p $(@D) && echo "ar $@"
	@ld -r -d -o $(B)/lib/bitdial.o $(filter %.o,$^) && objcopy --wildcard --keep-global-symbol='bitdial_*' $(B)/lib/bitdial.o
	@rm -f $@ && $(AR) rcs $@ $(B)/lib/bitdial.o
$(B)/lib/$(SONAME).full: $(API_OBJ) sw/lib/exports.map
	@mkdir -p $(@D) && echo "ld $@"
	@$(CC) $(CFLAGS) -shared -Wl,-soname,$(SONAME),--no-undefined,--version-script=sw/lib/exports.map -o $@ $(filter %.o,$^) $(LIBS)
# Requires.private and Libs.private are what a static link needs besides.
$(B)/lib/bitdial.pc: Makefile sw/rules.mk model/core/version.h | $(DEPS)
	@mkdir -p $(@D)
	@printf '%s\n' 'prefix=$(PREFIX)' 'includedir=$${prefix}/include' 'libdir=$${prefix}/lib' '' 'Name: bitdial' \
	    'Description: neural networks that switch their precision while they run' 'Version: $(VERSION)' \
	    'Requires.private: $(PKGS)' 'Libs: -L$${libdir} -lbitdial' 'Libs.private: -fopenmp -ldnnl -lpthread -lm' \
	    'Cflags: -I$${includedir}' >$@
.PHONY: libraries install $(B)/lib/bitdial.pc
