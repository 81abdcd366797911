// SPDX-License-Identifier: MIT
/*
 * Somebody outside wants the machine to switch itself off: a person at the button, or a
 * hypervisor (`virsh shutdown`, QEMU's system_powerdown).
 */
#ifndef KERNEL_POWER_BUTTON_H
#define KERNEL_POWER_BUTTON_H

/* From now on that is obeyed, where the port can hear it. Once, when threads run. */
void power_button_init(void);

#endif
