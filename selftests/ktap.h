/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KTAP for test programs in C.
 *
 * A program holds a const table of cases and hands it to ktap_main(). A case
 * returns KTAP_PASS, KTAP_SKIP or KTAP_FAIL; the macros below say why on the
 * result line itself, so that one line of the log is enough to act upon.
 */
#ifndef SVFF_SELFTESTS_KTAP_H
#define SVFF_SELFTESTS_KTAP_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <signal.h>
#include <time.h>

enum ktap_result { KTAP_PASS = 0, KTAP_FAIL = 1, KTAP_SKIP = 4 };

#define KTAP_CASE_LIMIT_S	300	/* who takes as long hangs, on a debug kernel and with sanitizers, too */
#define KTAP_WHY_LEN		256

/**
 * struct ktap_case - one test
 * @name: what is promised, in a few words
 * @fn:   the test
 * @arg:  handed to @fn, for tables that run one function on several inputs
 */
struct ktap_case {
	const char *name;
	enum ktap_result (*fn)(const void *arg);
	const void *arg;
};

/* One each for a program of several files. */
__attribute__((weak)) char ktap_reason[KTAP_WHY_LEN];
__attribute__((weak)) const char *ktap_current = "start";

static inline void __attribute__((format(printf, 1, 2), unused))
ktap_why(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(ktap_reason, sizeof(ktap_reason), fmt, ap);
	va_end(ap);
}

/* Ends the case as failed, with the reason on the result line. */
#define KTAP_FAIL_ON(cond, ...) do {		\
	if (cond) {				\
		ktap_why(__VA_ARGS__);		\
		return KTAP_FAIL;		\
	}					\
} while (0)

#define KTAP_SKIP_ON(cond, ...) do {		\
	if (cond) {				\
		ktap_why(__VA_ARGS__);		\
		return KTAP_SKIP;		\
	}					\
} while (0)

static inline double ktap_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* A case that hangs ends the program: what comes after it cannot be trusted. */
static inline void ktap_hung(int sig)
{
	static const char text[] = "Bail out! a case ran into its time limit: ";

	(void)sig;
	if (write(STDOUT_FILENO, text, sizeof(text) - 1) < 0 ||
	    write(STDOUT_FILENO, ktap_current, strlen(ktap_current)) < 0 ||
	    write(STDOUT_FILENO, "\n", 1) < 0)
		_exit(KTAP_FAIL);
	_exit(KTAP_FAIL);
}

static inline int ktap_run_one(const struct ktap_case *c, int number)
{
	double start = ktap_now();
	enum ktap_result r;

	ktap_reason[0] = '\0';
	ktap_current = c->name;
	alarm(KTAP_CASE_LIMIT_S);
	r = c->fn(c->arg);
	alarm(0);
	if (r == KTAP_PASS)
		printf("ok %d %s\n", number, c->name);
	else if (r == KTAP_SKIP)
		printf("ok %d %s # SKIP %s\n", number, c->name, ktap_reason);
	else
		printf("not ok %d %s # %s\n", number, c->name, ktap_reason);
	if (getenv("KTAP_TIMES"))
		printf("# %.2f s\n", ktap_now() - start);
	fflush(stdout);
	return r;
}

/**
 * ktap_main() - run a table of cases
 * @cases: the table
 * @count: number of entries
 * @only:  run the cases whose name holds this text; NULL for all
 *
 * Return: the exit code of the program: 0 passed, 1 failed, 4 all skipped.
 */
static inline int ktap_main(const struct ktap_case *cases, int count,
			    const char *only)
{
	int i, n = 0, ran = 0, failed = 0, skipped = 0;

	for (i = 0; i < count; i++)
		n += !only || strstr(cases[i].name, only);
	signal(SIGALRM, ktap_hung);
	printf("KTAP version 1\n1..%d\n", n);
	fflush(stdout);
	for (i = 0; i < count; i++) {
		int r;

		if (only && !strstr(cases[i].name, only))
			continue;
		r = ktap_run_one(&cases[i], ++ran);
		failed += r == KTAP_FAIL;
		skipped += r == KTAP_SKIP;
	}
	if (failed)
		return KTAP_FAIL;
	return ran && skipped == ran ? KTAP_SKIP : KTAP_PASS;
}

#endif
