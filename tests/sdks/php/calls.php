<?php

// Makes a call for each line of standard input, and prints how it went.

declare(strict_types=1);

function onEachLine(callable $call): void
{
    while (fgets(STDIN) !== false) {
        try {
            $call();
            echo "call: ok\n";
        } catch (Throwable $error) {
            echo 'call: refused ', strtr($error->getMessage(), "\n", ' '), "\n";
        }
    }
}
