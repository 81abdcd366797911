// SPDX-License-Identifier: MIT
/*
 * The checks every access passes before a back end sees it.
 */
#include <pci/config.h>
#include <errno.h>

static int check(struct pci_access *access, struct pci_address address, unsigned offset,
		 unsigned width)
{
	if ((width != 1 && width != 2 && width != 4) || offset % width != 0)
		return -EINVAL;
	if (offset >= access->operations->space(access, address))
		return -ERANGE;
	return 0;
}

int pci_config_read(struct pci_access *access, struct pci_address address, unsigned offset,
		    unsigned width, uint32_t *value)
{
	int error = check(access, address, offset, width);

	if (error == 0) {
		atomic_fetch_add_explicit(&access->reads, 1, memory_order_relaxed);
		error = access->operations->read(access, address, offset, width, value);
	}
	if (error != 0)
		*value = pci_config_all_ones(width);
	return error;
}

int pci_config_write(struct pci_access *access, struct pci_address address, unsigned offset,
		     unsigned width, uint32_t value)
{
	int error = check(access, address, offset, width);

	if (error != 0)
		return error;
	atomic_fetch_add_explicit(&access->writes, 1, memory_order_relaxed);
	return access->operations->write(access, address, offset, width, value);
}
