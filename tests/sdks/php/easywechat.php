<?php

// EasyWeChat, for official accounts and mini programs.

declare(strict_types=1);

require __DIR__.'/calls.php';

use EasyWeChat\Kernel\Contracts\AccessToken;
use EasyWeChat\MiniApp\Application as MiniApp;
use EasyWeChat\OfficialAccount\Application as OfficialAccount;

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

$account = new OfficialAccount(['app_id' => 'wx0123456789abcdef']);
$account->setAccessToken(new MountedToken);
$miniApp = new MiniApp(['app_id' => 'wx0123456789abcdef']);
$miniApp->setAccessToken(new MountedToken);

onEachLine(function () use ($account, $miniApp) {
    foreach ([$account, $miniApp] as $each) {
        $response = $each->getClient()->get('/cgi-bin/get_api_domain_ip');
        if ($response->isFailed()) {
            throw new RuntimeException($response->getContent());
        }
    }
});
