# SPDX-License-Identifier: MIT

tests += \
	tests/model/folio_model_test.c \
	tests/model/frames_model_test.c
