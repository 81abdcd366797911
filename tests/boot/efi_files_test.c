// SPDX-License-Identifier: MIT
/*
 * Writing the report's files on a firmware that has no file system, refuses, fails half way, or
 * cannot even delete. What real volumes do: tools/stick_test.py.
 */
#include <boot/efi_files.h>
#include <tests/test.h>

#include <kernel/bits.h>
#include <string.h>

static struct {
	bool no_file_system;
	EFI_STATUS open_volume;
	EFI_STATUS create; /* what creating a file says */
	EFI_STATUS write;  /* what the failing write says */
	EFI_STATUS flush;
	EFI_STATUS remove;
	size_t room;       /* bytes that can be written */
	bool writes_short; /* a full volume is told by the count only */
	unsigned existing; /* numbers taken */
	size_t written;
	unsigned flushes;
	int open_handles;
	unsigned deletes;
	char created[EFI_FILE_NAME];
} volume;

static EFI_FILE root_handle, handle; /* of the root, of everything else */

static void narrow(char *text, const CHAR16 *wide)
{
	while ((*text++ = (char)*wide++))
		;
}

static bool is_taken(const char *name)
{
	size_t length = strlen(name);
	unsigned number =
		(unsigned)(name[length - 6] - '0') * 10 + (unsigned)(name[length - 5] - '0');

	return number <= volume.existing;
}

static EFI_STATUS EFIAPI file_open(EFI_FILE *folder, EFI_FILE **file, CHAR16 *wide, UINT64 mode,
				   UINT64 attributes)
{
	char name[64];

	(void)folder;
	(void)attributes;
	narrow(name, wide);
	if (strchr(name, '.') && !(mode & EFI_FILE_MODE_CREATE) && !is_taken(name))
		return EFI_NOT_FOUND;
	if ((mode & EFI_FILE_MODE_CREATE) && EFI_ERROR(volume.create))
		return volume.create;
	if (mode & EFI_FILE_MODE_CREATE)
		strcpy(volume.created, name);
	volume.open_handles++;
	*file = &handle;
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI file_close(EFI_FILE *file)
{
	(void)file;
	volume.open_handles--;
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI file_delete(EFI_FILE *file)
{
	volume.deletes++;
	file_close(file);
	return volume.remove;
}

static EFI_STATUS EFIAPI file_write(EFI_FILE *file, UINTN *size, VOID *data)
{
	size_t room = volume.room - volume.written;

	(void)file;
	(void)data;
	if (*size > room && !volume.writes_short)
		return volume.write;
	*size = MIN(*size, room);
	volume.written += *size;
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI file_flush(EFI_FILE *file)
{
	(void)file;
	volume.flushes++;
	return volume.flush;
}

static EFI_STATUS EFIAPI open_volume(EFI_FILE_IO_INTERFACE *system, EFI_FILE **root)
{
	(void)system;
	if (EFI_ERROR(volume.open_volume))
		return volume.open_volume;
	volume.open_handles++;
	*root = &root_handle;
	return EFI_SUCCESS;
}

void *efi_protocol(const struct efi_loader *loader, EFI_HANDLE of, const EFI_GUID *guid)
{
	static EFI_FILE_IO_INTERFACE system;

	(void)loader;
	(void)of;
	(void)guid;
	system.OpenVolume = open_volume;
	return volume.no_file_system ? NULL : &system;
}

static void start(void)
{
	memset(&volume, 0, sizeof(volume));
	volume.room = SIZE_MAX;
	volume.write = EFI_VOLUME_FULL;
	handle.Open = file_open;
	handle.Close = file_close;
	handle.Delete = file_delete;
	handle.Write = file_write;
	handle.Flush = file_flush;
	root_handle = handle;
}

/* Open the folder and write 150,000 bytes; what is said. */
static const char *write_file(bool *part_left)
{
	static const char data[150000];
	EFI_LOADED_IMAGE loaded = {.DeviceHandle = &handle};
	struct efi_loader loader = {.loaded = &loaded};
	struct efi_folder folder;
	char name[EFI_FILE_NAME];
	const char *problem = efi_folder_open(&loader, &folder);

	*part_left = false;
	if (problem)
		return problem;
	efi_file_name(&folder, EFI_REPORT_STEM, name);
	problem = efi_file_write(&folder, name, data, sizeof(data), part_left);
	efi_folder_close(&folder);
	return problem;
}

static void check_said(const char *words)
{
	bool part_left;
	const char *problem = write_file(&part_left);

	REQUIRE(problem);
	CHECK(strstr(problem, words) != NULL);
	CHECK(!part_left);
	CHECK_EQ(volume.open_handles, 0);
}

TEST(efi_files, whole_file_is_written_flushed_and_closed)
{
	bool part_left;

	start();
	volume.existing = 6;
	CHECK(write_file(&part_left) == NULL);
	CHECK_STR(volume.created, "ATOMIC07.TXT");
	CHECK_EQ(volume.written, 150000);
	CHECK_EQ(volume.flushes, 1);
	CHECK_EQ(volume.deletes, 0);
	CHECK_EQ(volume.open_handles, 0);
}

TEST(efi_files, no_place_to_write_is_said)
{
	start();
	volume.no_file_system = true; /* network boot */
	check_said("not started from a volume");
	start();
	volume.open_volume = EFI_VOLUME_CORRUPTED;
	check_said("damaged");
	start();
	volume.create = EFI_WRITE_PROTECTED;
	check_said("read-only");
	start();
	volume.existing = REPORTS_MAX;
	check_said("numbers are taken");
	CHECK_EQ(volume.written, 0);
}

TEST(efi_files, nothing_half_written_is_left)
{
	start();
	volume.room = 100000;
	check_said("full");
	CHECK_EQ(volume.deletes, 1);
	start();
	volume.room = 100000;
	volume.writes_short = true;
	check_said("full");
	CHECK_EQ(volume.deletes, 1);
	start();
	volume.flush = EFI_DEVICE_ERROR;
	check_said("failed to write");
	CHECK_EQ(volume.deletes, 1);
}

/* Delete warns where it fails (UEFI 2.10, 13.5); a warning is no error. */
TEST(efi_files, part_that_cannot_be_deleted_is_said)
{
	bool part_left;

	start();
	volume.room = 0;
	volume.write = EFI_NO_MEDIA;
	volume.remove = EFI_WARN_DELETE_FAILURE;
	CHECK(strstr(write_file(&part_left), "taken out") != NULL);
	CHECK(part_left);
	CHECK_EQ(volume.open_handles, 0);
}
