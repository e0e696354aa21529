/* OpenMP for one thread, for builds without -fopenmp: clang has no OpenMP runtime of its own in Debian's base package,
 * and a fuzzer wants one thread. */
#ifndef TESTS_FUZZ_SERIAL_OMP_H
#define TESTS_FUZZ_SERIAL_OMP_H

static inline int omp_get_max_threads(void)
{
    return 1;
}
static inline int omp_get_num_threads(void)
{
    return 1;
}
static inline int omp_get_thread_num(void)
{
    return 0;
}
static inline int omp_get_max_active_levels(void)
{
    return 1;
}
static inline int omp_in_parallel(void)
{
    return 0;
}
static inline void omp_set_num_threads(int threads)
{
    (void)threads;
}

#endif
