# SPDX-License-Identifier: MIT

# *_play.c: operations beside an oracle, for the tests here and for fuzzers.
tests += \
	tests/model/frames_play.c \
	tests/model/objects_play.c \
	tests/model/folio_model_test.c \
	tests/model/frames_model_test.c \
	tests/model/mm_model_test.c
