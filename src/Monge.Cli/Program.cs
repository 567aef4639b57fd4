return await Monge.Cli.MongeCommand.RunAsync(args);
