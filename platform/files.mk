# SPDX-License-Identifier: MIT
# The contract has no sources of its own; each port lists its files in platform/<port>/files.mk.
