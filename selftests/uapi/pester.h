/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signals for who sleeps in a call. One alone might come before it sleeps.
 */
#ifndef SVFF_SELFTESTS_PESTER_H
#define SVFF_SELFTESTS_PESTER_H

#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define BITE_MS	50	/* signals are so far apart */

static volatile sig_atomic_t bites;

static void bite(int sig)
{
	(void)sig;
	bites++;
}

/* A child that sends signals, which interrupt, until pester_end(). Return: as fork() */
static pid_t pester(void)
{
	struct sigaction sa = { .sa_handler = bite };
	pid_t victim = getpid(), child;

	sigaction(SIGUSR1, &sa, NULL);
	child = fork();
	while (!child) {
		usleep(BITE_MS * 1000);
		if (kill(victim, SIGUSR1) || getppid() != victim)
			_exit(0);
	}
	return child;
}

static void pester_end(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

#endif
