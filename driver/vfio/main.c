// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: The VFIO driver of a VF
 *
 * A vfio-pci with VFIO's migration protocol, version 2: what plain vfio-pci does
 * vfio_pci_core does here too; what a VF has on the card svff_pf stops, saves and
 * loads. States, and what each step does:
 *
 *	           stop                save                  load (end of RESUMING)
 *	RUNNING <--------> STOP  <------------>  STOP_COPY
 *	           run      ^
 *	                    +------------------>  RESUMING
 *
 * A step that fails leaves the state as it was: a VF that cannot be stopped runs, a
 * state that is not taken can be followed by a reset. A reset of the device
 * (VFIO_DEVICE_RESET) leads to RUNNING from wherever it is, and what was kept is
 * forgotten; so it is when the user closes the device. A step reads and writes the VF's
 * registers, which nobody may while it is reset: one that is under way ends before the
 * reset begins, and until that is over there is none. There is no pre-copy and no
 * peer-to-peer state: the card's VFs do not know of each other.
 *
 * Where a stop fails because the card takes no context commands, queues that were
 * halted stand still until it does, and lose doorbells. The VF's driver is told then,
 * if it knows that notice, and rings them again. A stop that succeeds later has them
 * go on first.
 *
 * In STOP the VF has no doorbells: what its user writes there is lost. Who wants
 * a guest not to notice keeps what it writes to the BARs from before STOP until after
 * RUNNING, and writes it then. Interrupts and config space are the user's affair too;
 * that the VF's mailbox interrupts is saved, and a message that was not sent yet.
 *
 * vfio-pci resets a function when it is opened, and again when it is closed: 100 ms each,
 * while a guest waits. A VF that was just made, and that no driver has had since, is as
 * after a reset when it is opened. One that is closed in STOP has nothing on the card,
 * and is reset when it is opened the next time, or before another driver gets it, if it
 * still exists then. These two are not reset; all others are.
 *
 * It binds to a VF by driver_override alone, and only if svff_pf drives the PF.
 */
#include "vfio.h"

#include <linux/anon_inodes.h>
#include <linux/cleanup.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/pci.h>

static struct svff_vfio *to_svff_vfio(struct vfio_device *vdev)
{
	return container_of(vdev, struct svff_vfio, core.vdev);
}

static void end_stream(struct svff_vfio *sv)
{
	lockdep_assert_held(&sv->state_lock);
	if (sv->stream)
		vfio_stream_end(sv->stream);
	sv->stream = NULL;
}

/* The stream's file goes to the user; the device keeps a reference of its own. */
static struct file *give_stream(struct svff_vfio *sv, struct vfio_stream *s)
{
	lockdep_assert_held(&sv->state_lock);
	if (IS_ERR(s))
		return ERR_CAST(s);
	sv->stream = s;
	return get_file(s->file);
}

static struct file *step_save(struct svff_vfio *sv)
{
	size_t len;
	void *bytes = svff_pf_vf_save(&sv->vf, &len);

	if (IS_ERR(bytes))
		return bytes;
	return give_stream(sv, vfio_stream_out(bytes, len));
}

/* The user may still write; what came until now is what counts. */
static int step_load(struct svff_vfio *sv)
{
	struct vfio_stream *s = sv->stream;
	int err;

	scoped_guard(mutex, &s->lock)
		err = svff_pf_vf_load(&sv->vf, s->bytes, s->len);
	if (err)
		return err;
	end_stream(sv);
	return 0;
}

#define STEP(from, to)	(VFIO_DEVICE_STATE_##from << 8 | VFIO_DEVICE_STATE_##to)

/* Single steps, of which vfio_mig_get_next_state() makes all others. */
static struct file *step(struct svff_vfio *sv, enum vfio_device_mig_state next)
{
	lockdep_assert_held(&sv->state_lock);
	switch (sv->state << 8 | next) {
	case STEP(RUNNING, STOP):
		return ERR_PTR(svff_pf_vf_stop(&sv->vf));
	case STEP(STOP, RUNNING):
		return ERR_PTR(svff_pf_vf_run(&sv->vf));
	case STEP(STOP, STOP_COPY):
		return step_save(sv);
	case STEP(STOP_COPY, STOP):
		end_stream(sv);
		return NULL;
	case STEP(STOP, RESUMING):
		return give_stream(sv, vfio_stream_in(svff_pf_vf_size_max()));
	case STEP(RESUMING, STOP):
		return ERR_PTR(step_load(sv));
	default:
		return ERR_PTR(-EINVAL);
	}
}

static struct file *vf_set_state(struct vfio_device *vdev, enum vfio_device_mig_state want)
{
	struct svff_vfio *sv = to_svff_vfio(vdev);
	enum vfio_device_mig_state next;
	struct file *file = NULL;
	int err;

	guard(mutex)(&sv->state_lock);
	if (sv->resetting)
		return ERR_PTR(-EBUSY);
	while (sv->state != want) {
		err = vfio_mig_get_next_state(vdev, sv->state, want, &next);
		if (err)
			return ERR_PTR(err);
		file = step(sv, next);
		if (IS_ERR(file))
			return file;
		sv->state = next;
		if (WARN_ON(file && next != want)) {
			fput(file);
			return ERR_PTR(-EINVAL);
		}
	}
	return file;
}

static int vf_get_state(struct vfio_device *vdev, enum vfio_device_mig_state *state)
{
	struct svff_vfio *sv = to_svff_vfio(vdev);

	guard(mutex)(&sv->state_lock);
	*state = sv->state;
	return 0;
}

#ifdef SVFF_HAVE_MIG_DATA_SIZE
static int vf_get_data_size(struct vfio_device *vdev, unsigned long *len)
{
	*len = svff_pf_vf_size(&to_svff_vfio(vdev)->vf);
	return 0;
}
#endif

static const struct vfio_migration_ops vf_mig_ops = {
	.migration_set_state	= vf_set_state,
	.migration_get_state	= vf_get_state,
#ifdef SVFF_HAVE_MIG_DATA_SIZE
	.migration_get_data_size = vf_get_data_size,
#endif
};

static int vf_init_dev(struct vfio_device *vdev)
{
	struct svff_vfio *sv = to_svff_vfio(vdev);

	mutex_init(&sv->state_lock);
	sv->state = VFIO_DEVICE_STATE_RUNNING;
	vdev->migration_flags = VFIO_MIGRATION_STOP_COPY;
	vdev->mig_ops = &vf_mig_ops;
	return vfio_pci_core_init_dev(vdev);
}

static void vf_release_dev(struct vfio_device *vdev)
{
	mutex_destroy(&to_svff_vfio(vdev)->state_lock);
	vfio_pci_core_release_dev(vdev);
}

/* As if it could not be reset, which is not so. Nobody else resets it meanwhile. */
static int enable_fresh(struct svff_vfio *sv)
{
	struct pci_dev *pdev = sv->core.pdev;
	u8 first = pdev->reset_methods[0];
	int err;

	device_lock_assert(&pdev->dev);
	pdev->reset_methods[0] = 0;
	err = vfio_pci_core_enable(&sv->core);
	pdev->reset_methods[0] = first;
	sv->core.reset_works = first;
	return err;
}

/* Only tries to lock the device: who removes it has the lock, and waits for us. */
static int enable(struct svff_vfio *sv)
{
	struct device *dev = &sv->core.pdev->dev;
	int err;

	if (!svff_pf_vf_take_fresh(&sv->vf) || !device_trylock(dev))
		return vfio_pci_core_enable(&sv->core);
	err = enable_fresh(sv);
	device_unlock(dev);
	return err;
}

static int vf_open_device(struct vfio_device *vdev)
{
	struct svff_vfio *sv = to_svff_vfio(vdev);
	int err = enable(sv);

	if (err)
		return err;
	err = svff_pf_vf_claim(&sv->vf);
	if (err) {
		vfio_pci_core_disable(&sv->core);
		return err;
	}
	scoped_guard(mutex, &sv->state_lock) {
		sv->open = true;
		sv->state = VFIO_DEVICE_STATE_RUNNING;
	}
	vfio_pci_core_finish_enable(&sv->core);
	return 0;
}

/* DMA is stopped before VFIO takes its mappings away. */
static void vf_close_device(struct vfio_device *vdev)
{
	struct svff_vfio *sv = to_svff_vfio(vdev);

	scoped_guard(mutex, &sv->state_lock) {
		sv->open = false;
		end_stream(sv);
		if (svff_pf_vf_release(&sv->vf))
			sv->core.reset_works = false;	/* learnt anew when it is opened */
	}
	vfio_pci_core_close_device(vdev);
}

static const struct vfio_device_ops vf_ops = {
	.name		= "svff-vfio-pci",
	.init		= vf_init_dev,
	.release	= vf_release_dev,
	.open_device	= vf_open_device,
	.close_device	= vf_close_device,
	.ioctl		= vfio_pci_core_ioctl,
	.device_feature	= vfio_pci_core_ioctl_feature,
	.read		= vfio_pci_core_read,
	.write		= vfio_pci_core_write,
	.mmap		= vfio_pci_core_mmap,
	.request	= vfio_pci_core_request,
	.match		= vfio_pci_core_match,
#ifdef SVFF_HAVE_VFIO_IOMMUFD
	.bind_iommufd	= vfio_iommufd_physical_bind,
	.unbind_iommufd	= vfio_iommufd_physical_unbind,
	.attach_ioas	= vfio_iommufd_physical_attach_ioas,
#endif
#ifdef SVFF_HAVE_VFIO_DETACH_IOAS
	.detach_ioas	= vfio_iommufd_physical_detach_ioas,
#endif
};

static int vf_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct svff_pf_vf vf;
	struct svff_vfio *sv;
	int err = svff_pf_vf_find(pdev, &vf);

	if (err)
		return dev_err_probe(&pdev->dev, err, "not a VF of a card that svff_pf drives\n");
	sv = vfio_alloc_device(svff_vfio, core.vdev, &pdev->dev, &vf_ops);
	if (IS_ERR(sv))
		return PTR_ERR(sv);
	sv->vf = vf;
	dev_set_drvdata(&pdev->dev, &sv->core);
	err = vfio_pci_core_register_device(&sv->core);
	if (err)
		vfio_put_device(&sv->core.vdev);
	return err;
}

static struct svff_vfio *from_pdev(struct pci_dev *pdev)
{
	return container_of(dev_get_drvdata(&pdev->dev), struct svff_vfio, core);
}

static void vf_remove(struct pci_dev *pdev)
{
	struct svff_vfio *sv = from_pdev(pdev);

	vfio_pci_core_unregister_device(&sv->core);
	vfio_put_device(&sv->core.vdev);
}

/* Each is followed by vf_reset_done(), also if the reset fails. */
static void vf_reset_prepare(struct pci_dev *pdev)
{
	struct svff_vfio *sv = from_pdev(pdev);

	guard(mutex)(&sv->state_lock);
	sv->resetting = true;
}

/* The user's reset, and everybody else's. Before the device is open svff_pf is told by the claim. */
static void vf_reset_done(struct pci_dev *pdev)
{
	struct svff_vfio *sv = from_pdev(pdev);

	guard(mutex)(&sv->state_lock);
	sv->resetting = false;
	if (!sv->open)
		return;
	end_stream(sv);
	svff_pf_vf_forget(&sv->vf);
	sv->state = VFIO_DEVICE_STATE_RUNNING;
}

static const struct pci_error_handlers vf_err_handlers = {
	.error_detected	= vfio_pci_core_aer_err_detected,
	.reset_prepare	= vf_reset_prepare,
	.reset_done	= vf_reset_done,
};

#define SVFF_VF_ID(id)	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_VENDOR_ID_XILINX, id) }
#include <svff/vf_ids.h>

MODULE_DEVICE_TABLE(pci, vf_ids);

static struct pci_driver vf_driver = {
	.name			= "svff_vfio",
	.id_table		= vf_ids,
	.probe			= vf_probe,
	.remove			= vf_remove,
	.err_handler		= &vf_err_handlers,
	.driver_managed_dma	= true,
};
module_pci_driver(vf_driver);

MODULE_DESCRIPTION("SVFF: VFIO driver of VFs of QDMA cards");
MODULE_AUTHOR("The SVFF developers");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(SVFF_NS(SVFF_PF));
