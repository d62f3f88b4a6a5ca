"""Keep what Python compiles out of archives. Each module of Ansible comes as one, which is compiled anew at each task: under an
emulator that is a quarter of the task's time.
"""

import marshal
import os
import zipimport
from _imp import source_hash

FOLDER = "/var/cache/compiled"
KEY = 0
compile_source = zipimport._compile_source


def kept(pathname, source):
    path = os.path.join(FOLDER, source_hash(KEY, source).hex())
    try:
        with open(path, "rb") as file:
            return marshal.load(file)  # noqa: S302 (written below)
    except OSError:
        code = compile_source(pathname, source)
    written = f"{path}.{os.getpid()}"
    with open(written, "wb") as file:
        marshal.dump(code, file)
    os.rename(written, path)
    return code


zipimport._compile_source = kept
