/* faults.h: how a harness and the processes under test agree on what shall fail: a file beside the program, mapped by
 * all of them. tests/chaos/shim.py writes it by the same layout. */
#ifndef SIGNET_CHAOS_FAULTS_H
#define SIGNET_CHAOS_FAULTS_H

#include <stdatomic.h>
#include <stdint.h>

#define FAULTS_FILE "faults"	/* in the program's folder */
#define FAULTS_SITES 32768	/* a power of two; a role has some thousand */

enum fault_call { FAULT_SYNC, FAULT_WRITE, FAULT_CALLS };

struct faults {
	char			 role[8];	/* the role that is counted, and fails; "" for none */
	_Atomic uint32_t	 call;		/* enum fault_call: which kind fails */
	_Atomic uint32_t	 error;		/* errno; 0: nothing fails, calls are only counted */
	_Atomic uint64_t	 from, to;	/* these calls fail, counted from 1 on */
	_Atomic uint64_t	 counts[FAULT_CALLS];	/* so many there were; the harness sets them to 0 */
	_Atomic uint64_t	 failed;		/* so many did fail */
	_Atomic int64_t		 clock;		/* s: CLOCK_REALTIME is that much ahead, for all roles */
	/* Who asks for memory, as one number for the return addresses on the stack; without randomized addresses it is the
	 * same in each process of a role. */
	_Atomic uint32_t	 trace;		/* 1: sites are noted */
	_Atomic uint32_t	 unused;
	_Atomic uint64_t	 site;		/* its next allocation fails, once; 0: none */
	_Atomic uint64_t	 sites[FAULTS_SITES];	/* those that were seen, each once; 0: free */
};

#endif
