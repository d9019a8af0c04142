"""What all services build on: the store and its data folder, delivery, paging and matching."""
