# SPDX-License-Identifier: Apache-2.0
#
# install and uninstall. DESTDIR is a staging root that no installed file mentions.

LIBDIR  ?= $(PREFIX)/lib
INSTALL ?= install
DOCDIR   = $(PREFIX)/share/doc/kstream
minimum  = $(shell awk '$$3 == "$(1)" { print $$4 }' scripts/versions)
place    = $(DESTDIR)$(1)

install: library  ## install to DESTDIR/PREFIX (/usr/local)
	$(Q)$(INSTALL) -d $(call place,$(LIBDIR)/pkgconfig) $(call place,$(DOCDIR))
	$(Q)for h in $(HEADERS); do \
	    $(INSTALL) -D -m 644 $$h "$(call place,$(PREFIX))/$$h" || exit 1; done
	$(Q)$(INSTALL) -m 644 $(STATIC) $(call place,$(LIBDIR))
	$(Q)$(INSTALL) -m 755 $(SHARED) $(call place,$(LIBDIR))
	$(Q)ln -sf $(notdir $(SHARED)) $(call place,$(LIBDIR)/libkstream.so.$(SOVERSION))
	$(Q)ln -sf libkstream.so.$(SOVERSION) $(call place,$(LIBDIR)/libkstream.so)
	$(Q)for pc in kstream kstream-static; do \
	    sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@VERSION@|$(VERSION)|' \
	        -e 's|@RDKAFKA@|$(call minimum,rdkafka)|' -e 's|@LMDB@|$(call minimum,lmdb)|' \
	        pkgconfig/$$pc.pc.in >$(call place,$(LIBDIR)/pkgconfig)/$$pc.pc || exit 1; done
	$(Q)$(INSTALL) -m 644 LICENSE CHANGELOG.md $(call place,$(DOCDIR))

uninstall:  ## remove what install put there
	$(Q)rm -f $(call place,$(LIBDIR)/libkstream.a) $(call place,$(LIBDIR)/libkstream.so)* \
	    $(call place,$(LIBDIR)/pkgconfig/kstream.pc) \
	    $(call place,$(LIBDIR)/pkgconfig/kstream-static.pc)
	$(Q)rm -rf $(call place,$(PREFIX)/include/kstream) $(call place,$(DOCDIR))

.PHONY: install uninstall
