"""Worlds of any size in the raw zone: the sandbox's company, printed over and over with other ids.

A company as the sandbox makes it is read once. What is its own (customers, documents, money) is
repeated with ids and names of its own per copy; what a company has once (products, prices, periods,
accounts) stays as it is. What is wrong in one copy is wrong in each.
"""
