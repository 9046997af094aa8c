"""Experiments that run, and the toy task and policy of the default one."""
