// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Is this host ready? Each check looks at one thing and reports one finding, with what to do about it.
 * Cards have their own file, doctor-card.c.
 *
 * A check that may not look (config space is root's) says "unknown", and that is not ready: this is to
 * be relied on. Checks change nothing: no module is loaded, no function bound, no guest plugged.
 */
#include "priv.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define KERNEL_MAJOR_MIN	6
#define KERNEL_MINOR_MIN	1
#define TEXT_MAX		(1U << 20)	/* /proc/interrupts of a machine with hundreds of CPUs */

struct finding {
	const char *check;
	enum svff_verdict verdict;
	char *text, *remedy;
};

struct svff_report {
	struct svff_ctx *ctx;
	struct finding *finding;
	size_t count;
	bool broken;		/* there was no memory for a finding */
};

static const char *const verdict_names[] = {
	[SVFF_OK]      = "ok",
	[SVFF_WARN]    = "warning",
	[SVFF_BAD]     = "bad",
	[SVFF_UNKNOWN] = "unknown",
};

/**
 * svff_found() - add a finding to a report
 * @report: the report
 * @check: which check it is from
 * @verdict: how it is
 * @fmt: what was found, and behind REMEDY what is to be done
 */
void svff_found(struct svff_report *report, const char *check, enum svff_verdict verdict,
	   const char *fmt, ...)
{
	struct finding *all;
	char *text, *remedy;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	all = reallocarray(report->finding, report->count + 1, sizeof(*all));
	if (all)
		report->finding = all;
	if (len < 0 || !all) {
		if (len >= 0)
			free(text);
		report->broken = true;
		return;
	}
	remedy = strchr(text, *REMEDY);
	if (remedy)
		*remedy++ = '\0';
	all[report->count++] = (struct finding){ check, verdict, text, remedy };
}

/**
 * doctor_read() - read a text of unknown length
 * @ctx: the context
 * @dir: the folder
 * @name: path in it
 *
 * Return: the text, to be freed, or NULL.
 */
char *doctor_read(struct svff_ctx *ctx, enum svff_dir dir, const char *name)
{
	char path[PATH_MAX], *text;
	int len;

	text = malloc(TEXT_MAX);
	if (!text || svff_path(ctx, dir, path, "%s", name)) {
		free(text);
		return NULL;
	}
	len = svff_file_read(path, text, TEXT_MAX - 1);
	if (len < 0) {
		free(text);
		return NULL;
	}
	text[len] = '\0';
	return text;
}

/* ---- kernel and modules ---- */

static void check_kernel(struct svff_report *report)
{
	char *release = doctor_read(report->ctx, SVFF_DIR_PROC, "sys/kernel/osrelease");
	int major = 0, minor = 0;

	if (release)
		release[strcspn(release, "\n")] = '\0';
	if (!release || sscanf(release, "%d.%d", &major, &minor) != 2)
		svff_found(report, "kernel", SVFF_UNKNOWN, "version of the kernel cannot be read");
	else if (major > KERNEL_MAJOR_MIN || (major == KERNEL_MAJOR_MIN && minor >= KERNEL_MINOR_MIN))
		svff_found(report, "kernel", SVFF_OK, "Linux %s", release);
	else
		svff_found(report, "kernel", SVFF_BAD, "Linux %s is too old" REMEDY "use %d.%d or newer", release,
		      KERNEL_MAJOR_MIN, KERNEL_MINOR_MIN);
	free(release);
}

static void check_module(struct svff_report *report, const char *name, bool must_run, const char *remedy)
{
	enum module_state state;
	int ret = module_state(report->ctx, name, &state);

	if (ret)
		svff_found(report, "module", SVFF_UNKNOWN, "%s: %s" REMEDY "run 'depmod'", name, strerror(-ret));
	else if (state == MODULE_MISSING)
		svff_found(report, "module", SVFF_BAD, "%s is not there for this kernel" REMEDY "%s", name, remedy);
	else if (state == MODULE_AVAILABLE && must_run)
		svff_found(report, "module", SVFF_BAD, "%s is not loaded" REMEDY "modprobe %s", name, name);
	else
		svff_found(report, "module", SVFF_OK, "%s is %s", name, state == MODULE_LOADED ? "loaded" :
		      state == MODULE_BUILTIN ? "built in" : "there, loaded when needed");
}

static void check_modules(struct svff_report *report)
{
	check_module(report, "svff_pf", false, "install SVFF's modules: 'make install', or 'make dkms'; if they are there, 'depmod'");
	check_module(report, "vfio", false, "use a kernel with CONFIG_VFIO");
	check_module(report, "vfio-pci", false, "use a kernel with CONFIG_VFIO_PCI");
	check_module(report, "vfio_iommu_type1", false, "use a kernel with CONFIG_VFIO_IOMMU_TYPE1");
}

/* ---- IOMMU and KVM ---- */

/**
 * doctor_count() - how many entries a folder of sysfs has
 * @ctx: the context
 * @where: path of the folder
 *
 * Return: the count, 0 if it is not there.
 */
unsigned int doctor_count(struct svff_ctx *ctx, const char *where)
{
	char path[PATH_MAX];
	struct dirent *entry;
	unsigned int count = 0;
	DIR *dir;

	if (svff_path(ctx, SVFF_DIR_SYS, path, "%s", where))
		return 0;
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

/**
 * doctor_iommu_remedy() - how the IOMMU of this processor is switched on
 * @ctx: the context
 *
 * Return: for people.
 */
const char *doctor_iommu_remedy(struct svff_ctx *ctx)
{
	char *cpu = doctor_read(ctx, SVFF_DIR_PROC, "cpuinfo");
	const char *remedy = "switch the IOMMU on in the firmware's set-up and in the kernel";

	if (cpu && strstr(cpu, "GenuineIntel"))
		remedy = "switch VT-d on in the firmware's set-up, and boot with intel_iommu=on";
	else if (cpu && strstr(cpu, "AuthenticAMD"))
		remedy = "switch AMD-Vi (IOMMU) on in the firmware's set-up, and boot without amd_iommu=off";
	free(cpu);
	return remedy;
}

static void check_iommu(struct svff_report *report)
{
	unsigned int groups = doctor_count(report->ctx, "kernel/iommu_groups");

	if (groups)
		svff_found(report, "iommu", SVFF_OK, "IOMMU is on, with %u groups", groups);
	else
		svff_found(report, "iommu", SVFF_BAD, "IOMMU is off" REMEDY "%s", doctor_iommu_remedy(report->ctx));
}

static bool unsafe_interrupts_allowed(struct svff_ctx *ctx)
{
	char value[SVFF_WORD_LEN];

	return !sysfs_read(ctx, value, sizeof(value), "module/vfio_iommu_type1/parameters/allow_unsafe_interrupts") &&
	       value[0] == 'Y';
}

/*
 * The kernel has no attribute for this; but the names of its interrupt chips say it: "IR-" is x86 with
 * remapping, and an ITS (arm64) always knows the device.
 */
static void check_interrupts(struct svff_report *report)
{
	char *text = doctor_read(report->ctx, SVFF_DIR_PROC, "interrupts");

	if (!text)
		svff_found(report, "interrupts", SVFF_UNKNOWN, "/proc/interrupts cannot be read");
	else if (strstr(text, " IR-") || strstr(text, " ITS-"))
		svff_found(report, "interrupts", SVFF_OK, "interrupt remapping is on");
	else if (unsafe_interrupts_allowed(report->ctx))
		svff_found(report, "interrupts", SVFF_WARN, "interrupt remapping is off, and VFIO was told to accept that: a "
		      "guest can raise any interrupt of the host" REMEDY "switch interrupt remapping on in the firmware's "
		      "set-up, boot without intremap=off");
	else
		svff_found(report, "interrupts", SVFF_BAD, "interrupt remapping is off: VFIO refuses to give devices to guests"
		      REMEDY "switch interrupt remapping (x2APIC, VT-d) on in the firmware's set-up, boot without "
		      "intremap=off");
	free(text);
}

static void check_kvm(struct svff_report *report)
{
	char path[PATH_MAX];
	int ret = svff_path(report->ctx, SVFF_DIR_DEV, path, "kvm");

	if (!ret)
		ret = svff_try_open(path);
	if (!ret)
		svff_found(report, "kvm", SVFF_OK, "KVM is there");
	else if (ret == -EACCES)
		svff_found(report, "kvm", SVFF_WARN, "KVM is there, but not for this user" REMEDY "join the group of /dev/kvm");
	else
		svff_found(report, "kvm", SVFF_BAD, "no KVM (%s: %s)" REMEDY "switch virtualization on in the firmware's "
		      "set-up, and 'modprobe kvm_intel' or 'modprobe kvm_amd'", path, strerror(-ret));
}

/* ---- locked memory ---- */

static void judge_memlock(struct svff_report *report, const char *whose, unsigned long long limit,
			  unsigned long long need)
{
	if (limit == RLIM_INFINITY)
		svff_found(report, "memlock", SVFF_OK, "%s may lock all memory", whose);
	else if (need && limit < need)
		svff_found(report, "memlock", SVFF_BAD, "%s may lock %llu MiB, its memory is %llu MiB" REMEDY "raise "
		      "RLIMIT_MEMLOCK (ulimit -l, LimitMEMLOCK=, limits.conf) before it is started", whose, limit >> 20,
		      need >> 20);
	else if (need)
		svff_found(report, "memlock", SVFF_OK, "%s may lock %llu MiB of memory, it has %llu MiB", whose, limit >> 20,
		      need >> 20);
	else
		svff_found(report, "memlock", SVFF_WARN, "%s may lock no more than %llu MiB of memory, too little for guests"
		      REMEDY "raise RLIMIT_MEMLOCK (ulimit -l, LimitMEMLOCK=, limits.conf) where guests are started",
		      whose, limit >> 20);
}

static void check_own_memlock(struct svff_report *report)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		svff_found(report, "memlock", SVFF_UNKNOWN, "limit of locked memory cannot be read");
	else if (!geteuid())
		svff_found(report, "memlock", SVFF_OK, "root may lock all memory");
	else
		judge_memlock(report, "what is started from here", limit.rlim_cur, 0);
}

static int process_memlock(struct svff_ctx *ctx, int pid, unsigned long long *limit)
{
	static const char line[] = "Max locked memory";
	char name[SVFF_WORD_LEN], *text, *at;
	int ret = -ENOENT;

	snprintf(name, sizeof(name), "%d/limits", pid);
	text = doctor_read(ctx, SVFF_DIR_PROC, name);
	at = text ? strstr(text, line) : NULL;
	if (at) {
		at += strlen(line);
		at += strspn(at, " ");
		*limit = strncmp(at, "unlimited", 9) ? strtoull(at, NULL, 10) : RLIM_INFINITY;
		ret = 0;
	}
	free(text);
	return ret;
}

/* CAP_IPC_LOCK frees a process from the limit; as root QEMU has it. */
static bool process_may_lock_all(struct svff_ctx *ctx, int pid)
{
	const unsigned long long cap_ipc_lock = 1ULL << 14;
	char name[SVFF_WORD_LEN], *text, *at;
	bool may = false;

	snprintf(name, sizeof(name), "%d/status", pid);
	text = doctor_read(ctx, SVFF_DIR_PROC, name);
	at = text ? strstr(text, "CapEff:") : NULL;
	if (at)
		may = strtoull(at + strlen("CapEff:"), NULL, 16) & cap_ipc_lock;
	free(text);
	return may;
}

/* ---- guests ---- */

static void check_guest_memlock(struct svff_report *report, struct svff_guest *guest)
{
	unsigned long long limit, need = 0;
	int pid = guest->ops->pid ? guest->ops->pid(guest) : 0;

	if (!guest->ops->pid)
		svff_found(report, "memlock", SVFF_OK, "guest %s may lock what its VFs need: libvirt sees to that", guest->uri);
	else if (!pid || guest->ops->memory(guest, &need))
		svff_found(report, "memlock", SVFF_UNKNOWN, "guest %s: its memory or its process is not known", guest->uri);
	else if (process_may_lock_all(report->ctx, pid))
		svff_found(report, "memlock", SVFF_OK, "%s may lock all memory", guest->uri);
	else if (process_memlock(report->ctx, pid, &limit))
		svff_found(report, "memlock", SVFF_UNKNOWN, "guest %s: limits of process %d cannot be read" REMEDY "be root",
		      guest->uri, pid);
	else
		judge_memlock(report, guest->uri, limit, need);
}

static void check_guest_ports(struct svff_report *report, struct svff_guest *guest)
{
	struct svff_guest_ports ports;

	if (guest->ops->ports(guest, &ports))
		svff_found(report, "ports", SVFF_UNKNOWN, "%s", svff_error(report->ctx));
	else if (!ports.needs_port)
		svff_found(report, "ports", SVFF_OK, "guest %s takes devices on its root bus", guest->uri);
	else if (ports.free)
		svff_found(report, "ports", SVFF_OK, "guest %s has %u hot-plug ports, %u of them free, the first is %s", guest->uri,
		      ports.total, ports.free, ports.first_free);
	else
		svff_found(report, "ports", SVFF_BAD, "guest %s has %u hot-plug ports, none is free" REMEDY "start its QEMU with "
		      "one '-device pcie-root-port,id=PORT,chassis=N' for each VF", guest->uri, ports.total);
}

static void check_guest_vfio(struct svff_report *report, struct svff_guest *guest)
{
	int can = guest->ops->can_vfio(guest);

	if (can < 0)
		svff_found(report, "guest", SVFF_UNKNOWN, "%s", svff_error(report->ctx));
	else if (can)
		svff_found(report, "guest", SVFF_OK, "guest %s answers, and can take VFIO devices", guest->uri);
	else
		svff_found(report, "guest", SVFF_BAD, "guest %s cannot take VFIO devices" REMEDY "use a QEMU with vfio-pci",
		      guest->uri);
}

static void check_guest_pause(struct svff_report *report, struct svff_guest *guest)
{
	int can = guest_can_pause(guest);

	if (can < 0)
		svff_found(report, "pause", SVFF_UNKNOWN, "%s", svff_error(report->ctx));
	else if (can)
		svff_found(report, "pause", SVFF_OK, "guest %s keeps its VFs while their number changes", guest->uri);
	else
		svff_found(report, "pause", SVFF_WARN, "guest %s sees its VFs go and come when their number changes: its QEMU "
			   "cannot pause" REMEDY "start it with a QEMU that has vfio-pci-pause", guest->uri);
}

static void check_guest(struct svff_report *report, const char *name)
{
	struct svff_guest *guest;
	char *uri;
	int ret = svff_guest_uri(report->ctx, name, &uri);

	if (!ret) {
		ret = svff_guest_open(report->ctx, uri, PLAN_GUEST_TIMEOUT_MS, &guest);
		free(uri);
	}
	if (ret) {
		svff_found(report, "guest", SVFF_BAD, "%s", svff_error(report->ctx));
		return;
	}
	check_guest_vfio(report, guest);
	check_guest_ports(report, guest);
	check_guest_pause(report, guest);
	check_guest_memlock(report, guest);
	svff_guest_close(guest);
}

/* ---- cards ---- */

static int check_one_card(struct svff_report *report, const char *address)
{
	struct svff_card *card;
	int ret = svff_card_open(report->ctx, address, &card);

	if (ret)
		return ret;
	doctor_check_card(report, card);
	svff_card_free(card);
	return 0;
}

static int check_cards(struct svff_report *report, const char *address)
{
	struct svff_card *card;
	size_t i, count;
	int ret;

	if (address)
		return check_one_card(report, address);
	ret = svff_card_count(report->ctx, &count);
	if (ret)
		return ret;
	if (!count)
		svff_found(report, "card", SVFF_BAD, "no card with QDMA in this machine" REMEDY "see 'lspci -d 10ee:'; configure "
		      "the FPGA, then 'echo 1 > /sys/bus/pci/rescan'");
	for (i = 0; !ret && i < count; i++) {
		ret = svff_card_open_nth(report->ctx, i, &card);
		if (ret)
			break;
		doctor_check_card(report, card);
		svff_card_free(card);
	}
	return ret;
}

/* ---- the report ---- */

/**
 * svff_doctor() - look whether this host is ready
 * @ctx: the context
 * @card: address of a card, or NULL for all
 * @count: how many guests are to be looked at
 * @guest: their names
 * @out: what was found, also if it is bad
 *
 * Return: 0, or a negative errno if @card is no card or there was no memory.
 */
int svff_doctor(struct svff_ctx *ctx, const char *card, size_t count, const char *const *guest,
		struct svff_report **out)
{
	struct svff_report *report = calloc(1, sizeof(*report));
	size_t i;
	int ret;

	if (!report)
		return svff_fail(ctx, -ENOMEM, "out of memory");
	report->ctx = ctx;
	check_kernel(report);
	check_modules(report);
	check_iommu(report);
	check_interrupts(report);
	check_kvm(report);
	check_own_memlock(report);
	ret = check_cards(report, card);
	for (i = 0; !ret && i < count; i++)
		check_guest(report, guest[i]);
	if (!ret && report->broken)
		ret = svff_fail(ctx, -ENOMEM, "out of memory");
	if (ret) {
		svff_report_free(report);
		return ret;
	}
	*out = report;
	return 0;
}

/**
 * svff_report_free() - drop a report
 * @report: the report, or NULL
 */
void svff_report_free(struct svff_report *report)
{
	if (!report)
		return;
	while (report->count)
		free(report->finding[--report->count].text);	/* the remedy is in the same memory */
	free(report->finding);
	free(report);
}

/**
 * svff_report_ready() - is the host ready?
 * @report: the report
 *
 * Return: true if nothing is bad, and nothing unknown.
 */
bool svff_report_ready(const struct svff_report *report)
{
	size_t i;

	for (i = 0; i < report->count; i++)
		if (report->finding[i].verdict == SVFF_BAD || report->finding[i].verdict == SVFF_UNKNOWN)
			return false;
	return true;
}

/**
 * svff_report_count() - how many findings a report has
 * @report: the report
 *
 * Return: the count.
 */
size_t svff_report_count(const struct svff_report *report)
{
	return report->count;
}

/**
 * svff_report_verdict() - how a finding is
 * @report: the report
 * @index: from 0
 *
 * Return: the verdict.
 */
enum svff_verdict svff_report_verdict(const struct svff_report *report, size_t index)
{
	return report->finding[index].verdict;
}

/**
 * svff_report_check() - which check a finding is from
 * @report: the report
 * @index: from 0
 *
 * Return: one word.
 */
const char *svff_report_check(const struct svff_report *report, size_t index)
{
	return report->finding[index].check;
}

/**
 * svff_report_text() - what was found
 * @report: the report
 * @index: from 0
 *
 * Return: one line.
 */
const char *svff_report_text(const struct svff_report *report, size_t index)
{
	return report->finding[index].text;
}

/**
 * svff_report_remedy() - what to do about a finding
 * @report: the report
 * @index: from 0
 *
 * Return: one line, or NULL.
 */
const char *svff_report_remedy(const struct svff_report *report, size_t index)
{
	return report->finding[index].remedy;
}

/**
 * svff_verdict_name() - name of a verdict
 * @verdict: the verdict
 *
 * Return: one word.
 */
const char *svff_verdict_name(enum svff_verdict verdict)
{
	return verdict_names[verdict];
}
