/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages of an iov_iter for DMA. Newer kernels pin them in one call; older ones
 * offer only references to pages, which is not enough for DMA into user memory
 * (fork, truncation), so that the segments are walked here.
 */
#ifndef SVFF_COMPAT_IOV_ITER_H
#define SVFF_COMPAT_IOV_ITER_H

#include <linux/bvec.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/uio.h>

#ifdef SVFF_HAVE_EXTRACT_PAGES

static inline ssize_t svff_iter_extract(struct iov_iter *iter, struct page **pages,
					size_t max_size, unsigned int max_pages,
					size_t *offset)
{
	return iov_iter_extract_pages(iter, &pages, max_size, max_pages, 0, offset);
}

static inline bool svff_iter_will_pin(const struct iov_iter *iter)
{
	return iov_iter_extract_will_pin(iter);
}

#else /* !SVFF_HAVE_EXTRACT_PAGES */

/* The first piece that has bytes. Returns its length. */
static inline size_t svff_iter_user_piece(const struct iov_iter *iter,
					  unsigned long *addr)
{
	size_t skip = iter->iov_offset;
	unsigned long i;

	if (iter_is_ubuf(iter)) {
		*addr = (unsigned long)iter->ubuf + skip;
		return iter->count;
	}
	for (i = 0; i < iter->nr_segs; i++, skip = 0) {
		if (iter->iov[i].iov_len <= skip)
			continue;
		*addr = (unsigned long)iter->iov[i].iov_base + skip;
		return min(iter->iov[i].iov_len - skip, iter->count);
	}
	return 0;
}

static inline ssize_t svff_iter_pin_user(struct iov_iter *iter, struct page **pages,
					 size_t max_size, unsigned int max_pages,
					 size_t *offset)
{
	unsigned long addr;
	size_t len = min(svff_iter_user_piece(iter, &addr), max_size);
	int want, got;

	if (!len)
		return 0;
	*offset = offset_in_page(addr);
	want = min_t(size_t, DIV_ROUND_UP(*offset + len, PAGE_SIZE), max_pages);
	got = pin_user_pages_fast(addr - *offset, want,
				  iov_iter_rw(iter) == READ ? FOLL_WRITE : 0, pages);
	if (got <= 0)
		return got ? got : -EFAULT;
	len = min_t(size_t, len, got * PAGE_SIZE - *offset);
	iov_iter_advance(iter, len);
	return len;
}

/* The owner of a bvec keeps its pages for as long as the transfer lasts. */
static inline ssize_t svff_iter_bvec_pages(struct iov_iter *iter, struct page **pages,
					   size_t max_size, unsigned int max_pages,
					   size_t *offset)
{
	struct bio_vec bv = mp_bvec_iter_bvec(iter->bvec, ((struct bvec_iter){
		.bi_size = iter->count, .bi_bvec_done = iter->iov_offset }));
	size_t len = min_t(size_t, bv.bv_len, max_size);
	unsigned int first = bv.bv_offset / PAGE_SIZE, i, n;

	*offset = bv.bv_offset % PAGE_SIZE;
	n = min_t(size_t, DIV_ROUND_UP(*offset + len, PAGE_SIZE), max_pages);
	for (i = 0; i < n; i++)
		pages[i] = bv.bv_page + first + i;
	len = min_t(size_t, len, n * PAGE_SIZE - *offset);
	iov_iter_advance(iter, len);
	return len;
}

static inline ssize_t svff_iter_extract(struct iov_iter *iter, struct page **pages,
					size_t max_size, unsigned int max_pages,
					size_t *offset)
{
	max_size = min(max_size, iov_iter_count(iter));
	if (!max_size)
		return 0;
	if (user_backed_iter(iter))
		return svff_iter_pin_user(iter, pages, max_size, max_pages, offset);
	if (iov_iter_is_bvec(iter))
		return svff_iter_bvec_pages(iter, pages, max_size, max_pages, offset);
	return -EFAULT;
}

static inline bool svff_iter_will_pin(const struct iov_iter *iter)
{
	return user_backed_iter(iter);
}

#endif /* SVFF_HAVE_EXTRACT_PAGES */
#endif /* SVFF_COMPAT_IOV_ITER_H */
