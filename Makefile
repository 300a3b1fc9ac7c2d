# SPDX-License-Identifier: GPL-2.0-only
#
# For people; kbuild reads Kbuild. `make help` lists the targets.

KVER	?= $(shell uname -r)
KDIR	?= /lib/modules/$(KVER)/build
BUILD	?= $(CURDIR)/build
STAGE	:= $(BUILD)/modules-$(KVER)
LAB	:= selftests/qemu
TOOLS	:= $(wildcard tools/lib tools/svff tools/packaging)

all: modules tools

# The sources are linked into one folder per kernel, so that the objects of two kernels never mix.
stage:
	@mkdir -p $(STAGE)
	@cp -asf $(addprefix $(CURDIR)/,Kbuild $(wildcard qdma driver include)) $(STAGE)/
	@mkdir -p $(STAGE)/selftests
	@cp -asf $(addprefix $(CURDIR)/selftests/,dmaengine sriov) $(STAGE)/selftests/
	@find $(STAGE) -xtype l -exec rm {} +

modules: stage
	$(MAKE) -C $(KDIR) M=$(STAGE) modules

tools:
	@set -e; for d in $(TOOLS); do $(MAKE) -C $$d; done

install: install-modules install-tools

# kbuild leaves out depmod where the kernel has no System.map beside its headers, as in Debian.
install-modules: modules
	$(MAKE) -C $(KDIR) M=$(STAGE) modules_install
	$(if $(INSTALL_MOD_PATH),,depmod $(KVER))

install-tools: tools
	@set -e; for d in $(TOOLS); do $(MAKE) -C $$d install; done

# Modules that dkms has installed are its own.
uninstall:
	@set -e; for d in $(TOOLS); do $(MAKE) -C $$d uninstall; done
	find $(INSTALL_MOD_PATH)/lib/modules/$(KVER) -name dkms -prune -o -name 'svff_*.ko*' -exec rm {} +
	$(if $(INSTALL_MOD_PATH),,depmod $(KVER))

dkms:
	tools/packaging/dkms.sh install $(KVER)

check demo lab bench:
	@FOREIGN="$(FOREIGN)" $(LAB)/$@.sh

check-long:
	@FOREIGN="$(FOREIGN)" $(LAB)/check.sh long

foreign:
	@$(LAB)/foreign.sh "$(FOREIGN)" $(CYCLES)

clean:
	rm -rf $(BUILD)
	@set -e; for d in $(TOOLS); do $(MAKE) -C $$d clean; done

help:
	@echo 'make            modules for the running kernel (KVER= another one), library, tool'
	@echo 'make demo       with no card: gets what it needs, boots the emulated host, shows the main job'
	@echo 'make check      every test that needs no card; ends in one line of totals'
	@echo 'make check-long what takes longer: debug kernel, other IP revisions, fuzzing; FOREIGN=folder'
	@echo 'make lab        a shell in the emulated host'
	@echo 'make bench      counts and ratios, measured on the emulated card; FOREIGN=folder compares'
	@echo 'make foreign    foreign drivers in the folder FOREIGN= with ours, on the emulated card'
	@echo 'make install    modules, library and tool onto this machine; install-modules, install-tools: a part'
	@echo 'make dkms       the modules through dkms, in place of install-modules'
	@echo 'make uninstall  takes away what make install put there'
	@echo 'make clean      removes build/'

.PHONY: all stage modules tools install install-modules install-tools uninstall dkms check check-long demo lab bench foreign clean help
