<?php

// EasyWeChat, for WeCom.

declare(strict_types=1);

require __DIR__.'/calls.php';

use EasyWeChat\Kernel\Contracts\AccessToken;
use EasyWeChat\Work\Application as Work;

class MountedToken implements AccessToken
{
    public function getToken(): string
    {
        clearstatcache(true);

        return file_get_contents('/token/access_token');
    }

    public function toQuery(): array
    {
        return ['access_token' => $this->getToken()];
    }
}

$app = new Work(['corp_id' => 'ww0123456789abcdef']);
$app->setAccessToken(new MountedToken);

onEachLine(function () use ($app) {
    $response = $app->getClient()->get('/cgi-bin/get_api_domain_ip');
    if ($response->isFailed()) {
        throw new RuntimeException($response->getContent());
    }
});
