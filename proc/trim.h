/* trim.h: memory that only starting took. */
#ifndef SIGNET_PROC_TRIM_H
#define SIGNET_PROC_TRIM_H

/* Gives back what starting touched and serving doesn't: the code and tables of all libraries, most of which a role
 * never uses (they come again, from the file, when they are), and the heap's free pages. */
void proc_trim(void);

#endif
