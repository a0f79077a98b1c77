# SPDX-License-Identifier: Apache-2.0
"""The file of a backup: what is in it (``archive.py``) and how it is sealed (``age.py``). Which stores go in is run/backup's."""
