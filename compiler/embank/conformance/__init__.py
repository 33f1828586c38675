"""Test kits that the authors of plugins and banks inherit; our own built-ins pass them. Why here: decision KIT-1.

plugin     the kit for protection plugins: inherit `ProtectionPluginConformance`
given      what all its tests are given
described  what a plugin says of itself
driver     the activities of one plugin, on a real checkpoint in a real bank
restarts   activities that are killed, anywhere, and run again
killing    how a run is killed at any step that it takes
bank/      the kit for banks: inherit `BankConformance`
faults/    the kit for faults: inherit `FaultConformance`
faults_kit, faults_memory, faults_plugin
           the import paths that docs/plugins.md gives for what is in faults/
"""
