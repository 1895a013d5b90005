# SPDX-License-Identifier: Apache-2.0
#
# Which packages the goals of this run need. $(BUILD)/deps/GROUP.mk holds the flags of a group's
# packages. scripts/bootstrap makes it, installing what is missing where the goal allows that; make
# then reads itself again. Once the file is there it costs nothing.

GOALS        := $(if $(MAKECMDGOALS),$(MAKECMDGOALS),all)
FREE_GOALS   := clean help uninstall format check-format
QUIET_GOALS  := all library install $(BUILD)/%
GROUPS       := $(if $(filter-out $(FREE_GOALS),$(GOALS)),core)
GROUPS       += $(if $(filter-out $(FREE_GOALS) all library install,$(GOALS)),test)
MAY_INSTALL  := $(if $(filter-out $(FREE_GOALS) $(QUIET_GOALS),$(GOALS)),--install)

ifneq ($(strip $(GROUPS)),)
include $(patsubst %,$(BUILD)/deps/%.mk,$(GROUPS))
endif

$(BUILD)/deps/%.mk: scripts/bootstrap scripts/versions
	@mkdir -p $(@D)
	@scripts/bootstrap $(MAY_INSTALL) --flags $@ $*

# One after the other: apt-get runs once at a time.
$(BUILD)/deps/test.mk: $(BUILD)/deps/core.mk
