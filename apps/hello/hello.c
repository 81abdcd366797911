// SPDX-License-Identifier: MIT
/*
 * A program to start from: text, floating point, memory, threads, errors. It checks what it
 * does and ends with status 1 if something is wrong. Run it with `make run APP=hello`.
 */
#include <apps/app.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS 4
#define TERMS   400000

struct job {
	int number;
	double result;
	int error_number;
};

/* Leibniz' series from term to term: long enough to be preempted in the middle of it. */
static double leibniz(int seed)
{
	double sum = 0;

	for (int i = 0; i < TERMS; i++)
		sum += (i % 2 ? -4.0 : 4.0) / (2.0 * i + 1);
	return sum + seed;
}

static int work(void *arg)
{
	struct job *job = arg;

	errno = job->number;
	job->result = leibniz(job->number);
	job->error_number = errno;
	printf("thread %d: pi is about %.5f\n", job->number, job->result - job->number);
	return 0;
}

static int check_threads(void)
{
	struct job jobs[THREADS];
	struct thread *threads[THREADS];
	double expected = leibniz(0);
	int wrong = 0;

	for (int i = 0; i < THREADS; i++) {
		jobs[i] = (struct job){.number = i + 1};
		threads[i] = app_thread_start(work, &jobs[i]);
		if (!threads[i])
			return 1;
	}
	for (int i = 0; i < THREADS; i++) {
		app_thread_join(threads[i]);
		wrong += fabs(jobs[i].result - jobs[i].number - expected) > 1e-9;
		wrong += jobs[i].error_number != i + 1;
	}
	return wrong;
}

static int compare(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

static int check_memory(void)
{
	char *words[] = {strdup("memory"), strdup("is"), strdup("elastic")};
	char *text = malloc(8);
	int wrong;

	if (!text || !words[0] || !words[1] || !words[2])
		return 1;
	strcpy(text, "sorted:");
	qsort(words, 3, sizeof(words[0]), compare);
	for (int i = 0; i < 3; i++) {
		text = realloc(text, strlen(text) + strlen(words[i]) + 2);
		if (!text)
			return 1;
		strcat(strcat(text, " "), words[i]);
		free(words[i]);
	}
	puts(text);
	wrong = strcmp(text, "sorted: elastic is memory") != 0;
	free(text);
	return wrong;
}

static int check_text(void)
{
	char text[64];

	snprintf(text, sizeof(text), "%d %.3f %s %#llx", -42, 3.14159265, "str", 0xdeadbeefULL);
	puts(text);
	return strcmp(text, "-42 3.142 str 0xdeadbeef") != 0 || strtod("2.5e3", NULL) != 2500.0;
}

int main(int argc, char **argv)
{
	time_t now = time(NULL);
	int wrong = 0;

	printf("hello from %s, %d argument%s, %s", argv[0], argc - 1, argc == 2 ? "" : "s",
	       asctime(gmtime(&now)));
	wrong += check_text();
	wrong += check_memory();
	wrong += check_threads();
	printf("%s\n", wrong ? "something is wrong" : "all is well");
	return wrong != 0;
}
