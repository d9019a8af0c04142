"""The foundations of all services: the store and its data folder, delivery, paging and matching."""
