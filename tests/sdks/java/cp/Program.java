import me.chanjar.weixin.cp.api.WxCpService;
import me.chanjar.weixin.cp.api.impl.WxCpServiceImpl;

/** Calls through weixin-java-cp. */
class Program {
    public static void main(String[] arguments) {
        WxCpService service = new WxCpServiceImpl();
        service.setWxCpConfigStorage(new MountedConfig());
        Calls.onEachLine(service::getCallbackIp);
    }
}
