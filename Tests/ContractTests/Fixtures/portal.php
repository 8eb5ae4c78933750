<?php
// What a HUBzero portal (com_tools: Sessions::middleware, Helpers\Utils::middleware) makes of a command's output.
// Usage: php portal.php SCRIPT site|plain ARGUMENTS; prints what it understood as one JSON object.
list(, $script, $way, $arguments) = $argv;

// Site and API controllers escape the line as a whole; the administrator's do not.
if ($way === 'site') {
    $arguments = escapeshellcmd($arguments);
}
$command = '/bin/sh ' . $script . ' ' . $arguments . ' 2>&1 </dev/null';
// A copy of every byte is kept beside: exec() strips lines.
$copy = tempnam(sys_get_temp_dir(), 'mw');
exec('{ ' . $command . "; } >$copy; status=\$?; cat $copy; exit \$status", $results, $status);
$raw = file_get_contents($copy);
unlink($copy);

$error = null;
if ($status != 0) {
    $error = $results[0] ?? '';
}

$text = trim(implode('', array_map('rtrim', $results)));
$output = json_decode($text);
if (json_last_error() !== JSON_ERROR_NONE) {
    $output = new stdClass();
    if ($status == 0 && preg_match('/^Session is ([0-9]+)/', $text, $match)) {
        $output->session = $match[1];
    } else {
        if (preg_match('/width="(\d+)"/i', $text, $match)) {
            $output->width = trim($match[1], '"');
        }
        if (preg_match('/height="(\d+)"/i', $text, $match)) {
            $output->height = trim($match[1], '"');
        }
        if (preg_match('/<param name="PORT" value="?(\d+)"?>/i', $text, $match)) {
            $output->port = trim($match[1], '"');
        }
        $names = ['HOST', 'ENCPASSWORD', 'name', 'CONNECT', 'ENCODING', 'ShowLocalCursor', 'trustAllVncCerts',
            'Offer relogin', 'DisableSSL', 'permissions', 'View Only', 'Show Controls', 'Debug'];
        foreach ($names as $name) {
            if (preg_match('/<param name="' . $name . '" value="?([^>]+)"?>/i', $text, $match)) {
                $key = strtolower(str_replace(' ', '_', $name));
                $output->$key = trim($match[1], '"');
            }
        }
    }
}
$success = !($status != 0 || $output === null || (is_object($output) && !get_object_vars($output)));

// The page turns each value of a view into text; an object or a list there is fatal.
$flat = is_object($output);
if ($flat) {
    foreach (get_object_vars($output) as $value) {
        $flat = $flat && is_scalar($value);
    }
}

// What its viewers need, and where from (plugins tools/novnc, tools/java).
$yes = function ($value) {
    return in_array(strtolower(strval($value)), ['1', 'y', 'on', 'yes', 't', 'true']) ? 'Yes' : 'No';
};
$viewers = null;
if ($flat && isset($output->connect)) {
    $viewers = [
        'novnc' => [
            'width' => strval($output->width), 'height' => strval($output->height),
            'token' => isset($output->token) ? strval($output->token) : substr($output->connect, 11),
            'wsproxy_host' => strval($output->wsproxy_host ?? ''),
            'wsproxy_port' => strval($output->wsproxy_port ?? '8080'),
            'wsproxy_encrypt' => $yes($output->wsproxy_encrypt ?? 'No'),
        ],
        'java' => [
            'width' => strval($output->width), 'height' => strval($output->height),
            'HOST' => strval($output->host), 'PORT' => strval($output->port),
            'ENCPASSWORD' => strval($output->encpassword), 'CONNECT' => strval($output->connect),
            'View Only' => $yes($output->view_only ?? 'No'),
        ],
    ];
}

echo json_encode([
    'raw' => base64_encode($raw),
    'status' => $status,
    'lines' => $results,
    'error' => $error,
    'success' => $success,
    'flat' => $flat,
    'session' => $flat && isset($output->session) ? strval($output->session) : null,
    'viewers' => $viewers,
]);
