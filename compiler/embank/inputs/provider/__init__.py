"""What a provider is: from the files of a directory to a bank and plugins.

conf     a provider file as text, with the place of everything
file     its [provider] section
options  the other sections, against what banks and plugins declare
loading  bank, plugins and protectables: found, configured, checked
find     all providers, and the one that is asked for
"""
