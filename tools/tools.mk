# SPDX-License-Identifier: GPL-2.0-only
# What the makefiles of library and tool share. Products go to $(BUILD)/tools.

VERSION		:= 0.1.0
SONAME		:= libsvff.so.0
BUILD		?= $(abspath $(CURDIR)/../../build)
OUT		:= $(BUILD)/tools
DESTDIR		?=
PREFIX		?= /usr/local
LIBDIR		?= $(PREFIX)/lib
PKG_CONFIG	?= pkg-config

WARNINGS	:= -Wall -Wextra -Werror=implicit -Wstrict-prototypes -Wmissing-prototypes -Wshadow \
		   -Wold-style-definition -Wvla -Wpointer-arith -Wwrite-strings
CFLAGS		?= -O2 -g
ALL_CFLAGS	:= -std=gnu17 -D_GNU_SOURCE $(WARNINGS) -fPIC -MMD -MP $(CFLAGS)
DEPS_CFLAGS	:= $(shell $(PKG_CONFIG) --cflags json-c libkmod)
DEPS_LIBS	:= $(shell $(PKG_CONFIG) --libs json-c libkmod)

ifneq ($(.SHELLSTATUS),0)
ifeq ($(filter clean uninstall,$(MAKECMDGOALS)),)
$(error json-c and libkmod are needed: install libjson-c-dev and libkmod-dev)
endif
endif

# Guests of libvirt are known where libvirt is, at build time.
ifeq ($(shell $(PKG_CONFIG) --atleast-version=8.2 libvirt-qemu && echo yes),yes)
LIBVIRT_OBJECTS	:= guest-libvirt.o
DEPS_CFLAGS	+= -DSVFF_LIBVIRT $(shell $(PKG_CONFIG) --cflags libvirt libvirt-qemu)
DEPS_LIBS	+= $(shell $(PKG_CONFIG) --libs libvirt libvirt-qemu)
endif
