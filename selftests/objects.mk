# SPDX-License-Identifier: GPL-2.0-only
# How the makefiles of tests compile: with their $(FLAGS), in place.

%.o: %.c
	$(CC) $(FLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
