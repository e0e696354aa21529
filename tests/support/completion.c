/* Wraps the body of every Criterion test (the linker's --wrap), because Criterion counts a test that called exit(0)
 * as passed, and ignores its own --timeout: a test that ran to its end adds a line to the file $BITDIAL_COMPLETED, its
 * name and the processor seconds of itself and of what it waited for, and one that takes longer than
 * $BITDIAL_TEST_SECONDS says so and dies of SIGALRM, which Criterion reports by name. Under the address sanitizer, or
 * the leak sanitizer alone (BITDIAL_LEAKS), a test that leaks dies too: left to itself the report comes after Criterion
 * has counted the test. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#ifdef __SANITIZE_ADDRESS__
#define BITDIAL_LEAKS
#endif
#ifdef BITDIAL_LEAKS
#include <sanitizer/lsan_interface.h>
#endif

void __real_criterion_internal_test_main(void (*body)(void));
void __wrap_criterion_internal_test_main(void (*body)(void));

static double seconds_of(int who)
{
    struct rusage usage = {0};
    getrusage(who, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + 1e-6 * (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void mark_completed(void)
{
    const char *path = getenv("BITDIAL_COMPLETED");
    if (!path) {
        return;
    }
    char line[512];
    int length = snprintf(line, sizeof line, "%s::%s %.2f\n", criterion_current_test->category,
                          criterion_current_test->name, seconds_of(RUSAGE_SELF) + seconds_of(RUSAGE_CHILDREN));
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0 || write(fd, line, length) != length || close(fd) != 0) {
        perror(path);
        abort();
    }
}

static void say_timed_out(int number)
{
    static const char text[] = "the test below took too long\n";
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
    signal(number, SIG_DFL);
    raise(number);
}

void __wrap_criterion_internal_test_main(void (*body)(void))
{
    const char *seconds = getenv("BITDIAL_TEST_SECONDS");
    signal(SIGALRM, say_timed_out);
    alarm(seconds ? atoi(seconds) : 0);
    __real_criterion_internal_test_main(body);
    alarm(0);
#ifdef BITDIAL_LEAKS
    if (__lsan_do_recoverable_leak_check()) {
        abort();
    }
#endif
    mark_completed();
}
