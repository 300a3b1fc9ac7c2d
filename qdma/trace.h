/* SPDX-License-Identifier: GPL-2.0-only */
/* What the manager says to the hardware and hears from it. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM svff_qdma

#if !defined(QDMA_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define QDMA_TRACE_H

#include <linux/device.h>
#include <linux/tracepoint.h>

TRACE_EVENT(qdma_doorbell,
	TP_PROTO(const struct device *dev, u16 qid, int dir, u32 pidx, bool arm),
	TP_ARGS(dev, qid, dir, pidx, arm),
	TP_STRUCT__entry(
		__string(dev, dev_name(dev))
		__field(u32, pidx)
		__field(u16, qid)
		__field(u8, dir)
		__field(bool, arm)
	),
	TP_fast_assign(
		__entry->pidx = pidx;
		__entry->qid = qid;
		__entry->dir = dir;
		__entry->arm = arm;
		SVFF_ASSIGN_STR(dev, dev_name(dev));
	),
	TP_printk("%s queue %u %s pidx %u%s", __get_str(dev), __entry->qid,
		  __entry->dir ? "C2H" : "H2C", __entry->pidx,
		  __entry->arm ? " arm" : "")
);

TRACE_EVENT(qdma_complete,
	TP_PROTO(const struct device *dev, u16 qid, int dir, u32 cidx, u32 count),
	TP_ARGS(dev, qid, dir, cidx, count),
	TP_STRUCT__entry(
		__string(dev, dev_name(dev))
		__field(u32, cidx)
		__field(u32, count)
		__field(u16, qid)
		__field(u8, dir)
	),
	TP_fast_assign(
		__entry->cidx = cidx;
		__entry->count = count;
		__entry->qid = qid;
		__entry->dir = dir;
		SVFF_ASSIGN_STR(dev, dev_name(dev));
	),
	TP_printk("%s queue %u %s cidx %u, %u done", __get_str(dev), __entry->qid,
		  __entry->dir ? "C2H" : "H2C", __entry->cidx, __entry->count)
);

TRACE_EVENT(qdma_mbox,
	TP_PROTO(const struct device *dev, bool sent, u16 peer, u8 op, int status),
	TP_ARGS(dev, sent, peer, op, status),
	TP_STRUCT__entry(
		__string(dev, dev_name(dev))
		__field(int, status)
		__field(u16, peer)
		__field(u8, op)
		__field(bool, sent)
	),
	TP_fast_assign(
		__entry->status = status;
		__entry->peer = peer;
		__entry->op = op;
		__entry->sent = sent;
		SVFF_ASSIGN_STR(dev, dev_name(dev));
	),
	TP_printk("%s %s function %u op 0x%02x status %d", __get_str(dev),
		  __entry->sent ? "to" : "from", __entry->peer, __entry->op,
		  __entry->status)
);

TRACE_EVENT(qdma_ctxt,
	TP_PROTO(const struct device *dev, int sel, int op, u32 index, int ret),
	TP_ARGS(dev, sel, op, index, ret),
	TP_STRUCT__entry(
		__string(dev, dev_name(dev))
		__field(u32, index)
		__field(int, ret)
		__field(u8, sel)
		__field(u8, op)
	),
	TP_fast_assign(
		__entry->index = index;
		__entry->ret = ret;
		__entry->sel = sel;
		__entry->op = op;
		SVFF_ASSIGN_STR(dev, dev_name(dev));
	),
	TP_printk("%s selector %u op %s index %u: %d", __get_str(dev), __entry->sel,
		  __print_symbolic(__entry->op, { 0, "clear" }, { 1, "write" },
				   { 2, "read" }, { 3, "invalidate" }),
		  __entry->index, __entry->ret)
);

TRACE_EVENT(qdma_error,
	TP_PROTO(const struct device *dev, const char *name, u32 status, u32 hw_qid,
		 int dir, u32 func),
	TP_ARGS(dev, name, status, hw_qid, dir, func),
	TP_STRUCT__entry(
		__string(dev, dev_name(dev))
		__string(name, name)
		__field(u32, status)
		__field(u32, hw_qid)
		__field(u32, func)
		__field(u8, dir)
	),
	TP_fast_assign(
		__entry->status = status;
		__entry->hw_qid = hw_qid;
		__entry->func = func;
		__entry->dir = dir;
		SVFF_ASSIGN_STR(dev, dev_name(dev));
		SVFF_ASSIGN_STR(name, name);
	),
	TP_printk("%s %s status 0x%x queue %d %s function %d", __get_str(dev),
		  __get_str(name), __entry->status, (int)__entry->hw_qid,
		  __entry->dir ? "C2H" : "H2C", (int)__entry->func)
);

#endif /* QDMA_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
