// SPDX-License-Identifier: MIT
/*
 * Files of the report. Firmware's words for what went wrong become sentences for people.
 */
#include <boot/efi_files.h>

#include <boot/text.h>
#include <kernel/bits.h>

/* Firmware copies through its own buffers; some of it has trouble with megabytes at once. */
#define CHUNK 65536u

static const char *reason(EFI_STATUS status)
{
	switch (status) {
	case EFI_WRITE_PROTECTED:
	case EFI_ACCESS_DENIED:
		return "the volume is read-only";
	case EFI_VOLUME_FULL:
		return "the volume is full";
	case EFI_VOLUME_CORRUPTED:
		return "the file system is damaged: check the stick on another machine";
	case EFI_NO_MEDIA:
	case EFI_MEDIA_CHANGED:
		return "the stick was taken out or changed";
	case EFI_OUT_OF_RESOURCES:
		return "firmware has no memory for it";
	default:
		return "firmware failed to write";
	}
}

static void widen(CHAR16 *wide, const char *text)
{
	do
		*wide++ = (CHAR16)*text;
	while (*text++);
}

static EFI_STATUS open(EFI_FILE *folder, const char *name, EFI_FILE **file, UINT64 mode,
		       UINT64 attributes)
{
	CHAR16 wide[EFI_FILE_NAME];

	widen(wide, name);
	return folder->Open(folder, file, wide, mode, attributes);
}

/* \EFI, \EFI\quire, \EFI\quire\reports; opening for reading first leaves a read-only volume's
 * error to the file that is to be written. */
static EFI_STATUS open_folder(EFI_FILE *root, EFI_FILE **folder)
{
	static const char *const path[] = {"EFI", "quire", "reports"};
	EFI_FILE *above = root;

	for (unsigned i = 0; i < ARRAY_SIZE(path); i++) {
		EFI_STATUS status = open(above, path[i], folder,
					 EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE, 0);

		if (status == EFI_NOT_FOUND)
			status = open(above, path[i], folder,
				      EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE |
					      EFI_FILE_MODE_CREATE,
				      EFI_FILE_DIRECTORY);
		if (above != root)
			above->Close(above);
		if (EFI_ERROR(status))
			return status;
		above = *folder;
	}
	return EFI_SUCCESS;
}

static bool exists(const struct efi_folder *folder, const char *stem)
{
	char name[EFI_FILE_NAME];
	EFI_FILE *file;

	efi_file_name(folder, stem, name);
	if (EFI_ERROR(open(folder->handle, name, &file, EFI_FILE_MODE_READ, 0)))
		return false;
	file->Close(file);
	return true;
}

static const char *find_number(struct efi_folder *folder)
{
	for (folder->number = 1; folder->number <= REPORTS_MAX; folder->number++) {
		if (!exists(folder, EFI_REPORT_STEM) && !exists(folder, EFI_DUMP_STEM))
			return NULL;
	}
	return "all 99 numbers are taken: delete old files there";
}

const char *efi_folder_open(const struct efi_loader *loader, struct efi_folder *folder)
{
	static const EFI_GUID guid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
	EFI_FILE_IO_INTERFACE *system = NULL;
	EFI_FILE *root;
	EFI_STATUS status;
	const char *problem;

	if (loader->loaded && loader->loaded->DeviceHandle)
		system = efi_protocol(loader, loader->loaded->DeviceHandle, &guid);
	if (!system)
		return "we were not started from a volume with a file system";
	status = system->OpenVolume(system, &root);
	if (EFI_ERROR(status))
		return reason(status);
	status = open_folder(root, &folder->handle);
	root->Close(root);
	if (EFI_ERROR(status))
		return reason(status);
	problem = find_number(folder);
	if (problem)
		efi_folder_close(folder);
	return problem;
}

void efi_folder_close(struct efi_folder *folder)
{
	folder->handle->Close(folder->handle);
}

void efi_file_name(const struct efi_folder *folder, const char *stem, char name[EFI_FILE_NAME])
{
	char digits[] = {(char)('0' + folder->number / 10), (char)('0' + folder->number % 10),
			 '\0'};

	name[0] = '\0';
	text_append(name, EFI_FILE_NAME, stem);
	text_append(name, EFI_FILE_NAME, digits);
	text_append(name, EFI_FILE_NAME, ".TXT");
}

static EFI_STATUS write_all(EFI_FILE *file, const char *data, size_t length)
{
	while (length > 0) {
		UINTN asked = MIN(length, CHUNK), written = asked;
		EFI_STATUS status = file->Write(file, &written, (void *)data);

		if (EFI_ERROR(status))
			return status;
		if (written != asked)
			return EFI_VOLUME_FULL;
		data += written;
		length -= written;
	}
	return file->Flush(file);
}

const char *efi_file_write(struct efi_folder *folder, const char *name, const char *data,
			   size_t length, bool *part_left)
{
	EFI_FILE *file;
	EFI_STATUS status =
		open(folder->handle, name, &file,
		     EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE | EFI_FILE_MODE_CREATE, 0);

	*part_left = false;
	if (EFI_ERROR(status))
		return reason(status);
	status = write_all(file, data, length);
	if (EFI_ERROR(status)) {
		*part_left = file->Delete(file) != EFI_SUCCESS;
		return reason(status);
	}
	status = file->Close(file);
	return EFI_ERROR(status) ? reason(status) : NULL;
}
