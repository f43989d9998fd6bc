"""Mutation testing of the rules: which changes of watcher.core does no test notice?"""
