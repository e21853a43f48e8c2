# SPDX-License-Identifier: GPL-3.0-or-later

# MS_MODULE_DIR: where knotd looks for shared modules; knotd.pc names it.
AC_DEFUN([MS_MODULE_DIR], [
AC_ARG_WITH([moduledir],
	[AS_HELP_STRING([--with-moduledir=DIR], [directory of Knot DNS modules (default: from knotd.pc)])],
	[moduledir=$withval],
	[moduledir=$($PKG_CONFIG --variable=module_instdir knotd)])
AS_IF([test -z "$moduledir" || test "$moduledir" = no],
	[AC_MSG_ERROR([knotd.pc names no module_instdir: give --with-moduledir=DIR])])
AC_SUBST([moduledir])
])

# MS_SANITIZERS: --enable-sanitizers[=LIST], AddressSanitizer and UBSan by default.
AC_DEFUN([MS_SANITIZERS], [
AC_ARG_ENABLE([sanitizers],
	[AS_HELP_STRING([--enable-sanitizers@<:@=LIST@:>@], [build with sanitizers (default list: address,undefined)])],
	[], [enable_sanitizers=no])
AS_IF([test "$enable_sanitizers" = yes], [enable_sanitizers=address,undefined])
AS_IF([test "$enable_sanitizers" != no], [
	CFLAGS="$CFLAGS -fsanitize=$enable_sanitizers -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
])
])

# MS_WARNINGS: -Wall -Wextra always, errors with --enable-werror.
AC_DEFUN([MS_WARNINGS], [
AC_ARG_ENABLE([werror],
	[AS_HELP_STRING([--enable-werror], [treat compiler warnings as errors])],
	[], [enable_werror=no])
MS_CFLAGS="-std=gnu11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wno-unused-parameter -Wno-missing-field-initializers -fvisibility=hidden"
AS_IF([test "$enable_werror" = yes], [MS_CFLAGS="$MS_CFLAGS -Werror"])
AC_SUBST([MS_CFLAGS])
])
